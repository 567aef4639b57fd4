using Monge.Engine.Lanes;

namespace Monge.Engine.Programs;

/// <summary>
/// A function of one argument from its four rules: value, derivative (of argument x and value y) and lane code. One line of the table below adds a function.
/// </summary>
internal sealed class FunctionOperation(
    string name, Func<double, double> value, Func<Expr, Expr, Expr?> derivative, Func<LaneEmitter, Lane, Lane> emit, bool cheap = false, int weight = 15)
    : ElementwiseOperation(name, 1, cheap, cheap ? 1 : weight)
{
    private const int Long = 120;

    public override double Value(ReadOnlySpan<double> x) => value(x[0]);

    public override Expr? Partial(Expr node, int index) => derivative(node.Inputs[0], node);

    public override Lane Emit(LaneEmitter lanes, ReadOnlySpan<Lane> x) => emit(lanes, x[0]);

    // The derivative of trigamma for x > 0 out of elementary operations, so that it can be differentiated on: fifteen steps of the recurrence
    // and the asymptotic series (Abramowitz and Stegun 6.4.14), whose first neglected term is below 1e-15.
    private static Expr Tetragamma(Expr x)
    {
        const int Shift = 15;
        Expr sum = 0;
        for (var i = 0; i < Shift; i++)
        {
            var z = x + i;
            sum -= 2 / (z * z * z);
        }

        var r = 1 / (x + Shift);
        var s = r * r;
        return sum - s * (1 + r + s * (0.5 - s * (1.0 / 6 - s * (1.0 / 6 - s * (0.3 - s * (5.0 / 6 - s * (691.0 / 210)))))));
    }

    public static readonly FunctionOperation Exp = new("exp", Math.Exp, (x, y) => y, (e, x) => e.Exp(x));
    public static readonly FunctionOperation Expm1 = new("expm1", SpecialFunctions.Expm1, (x, y) => y + 1, (e, x) => e.Expm1(x));
    public static readonly FunctionOperation Log = new("log", Math.Log, (x, y) => 1 / x, (e, x) => e.Log(x));
    public static readonly FunctionOperation Log1p = new("log1p", SpecialFunctions.Log1p, (x, y) => 1 / (1 + x), (e, x) => e.Log1p(x));
    public static readonly FunctionOperation Sqrt = new("sqrt", Math.Sqrt, (x, y) => 0.5 / y, (e, x) => e.Sqrt(x));
    public static readonly FunctionOperation Sin = new("sin", Math.Sin, (x, y) => Expr.Create(Cos!, x), (e, x) => e.Sin(x));
    public static readonly FunctionOperation Cos = new("cos", Math.Cos, (x, y) => -Expr.Create(Sin!, x), (e, x) => e.Cos(x));
    public static readonly FunctionOperation Tanh = new("tanh", Math.Tanh, (x, y) => 1 - y * y, (e, x) => e.Tanh(x));
    public static readonly FunctionOperation Sigmoid = new("sigmoid", SpecialFunctions.Sigmoid, (x, y) => y * (1 - y), (e, x) => e.Sigmoid(x));
    public static readonly FunctionOperation Softplus = new("softplus", SpecialFunctions.Softplus, (x, y) => Expr.Create(Sigmoid!, x), (e, x) => e.Softplus(x));
    public static readonly FunctionOperation Erf =
        new("erf", SpecialFunctions.Erf, (x, y) => 2 / Math.Sqrt(Math.PI) * (-(x * x)).Exp(), (e, x) => e.Erf(x), weight: Long);
    public static readonly FunctionOperation LogGamma =
        new("log-gamma", SpecialFunctions.LogGamma, (x, y) => Expr.Create(Digamma!, x), (e, x) => e.LogGamma(x), weight: Long);
    public static readonly FunctionOperation Digamma =
        new("digamma", SpecialFunctions.Digamma, (x, y) => Expr.Create(Trigamma!, x), (e, x) => e.Digamma(x), weight: Long);
    public static readonly FunctionOperation StirlingRemainder = new(
        "stirling-remainder", SpecialFunctions.StirlingRemainder, (x, y) => Expr.Create(StirlingSlope!, x), (e, x) => e.StirlingRemainder(x), weight: Long);
    public static readonly FunctionOperation StirlingSlope = new(
        "stirling-slope", SpecialFunctions.StirlingSlope, (x, y) => Expr.Create(Trigamma!, x) - (1 + 0.5 / x) / x, (e, x) => e.StirlingSlope(x),
        weight: Long);
    public static readonly FunctionOperation Trigamma =
        new("trigamma", SpecialFunctions.Trigamma, (x, y) => Tetragamma(x), (e, x) => e.Trigamma(x), weight: Long);
    public static readonly FunctionOperation Abs = new("abs", Math.Abs, (x, y) => Expr.Create(Sign!, x), (e, x) => e.Abs(x), cheap: true);
    public static readonly FunctionOperation Sign = new("sign", x => double.IsNaN(x) ? x : Math.Sign(x), (x, y) => null, (e, x) => e.Sign(x), cheap: true);
    public static readonly FunctionOperation Floor = new("floor", Math.Floor, (x, y) => null, (e, x) => e.Floor(x), cheap: true);
    public static readonly FunctionOperation Round =
        new("round", x => Math.Round(x, MidpointRounding.ToEven), (x, y) => null, (e, x) => e.RoundToEven(x), cheap: true);
}

internal sealed class PowOperation() : ElementwiseOperation("pow", 2, weight: 15)
{
    public static readonly PowOperation Instance = new();

    public override double Value(ReadOnlySpan<double> x) => Math.Pow(x[0], x[1]);

    public override Expr? Partial(Expr node, int index)
    {
        var (x, p) = (node.Inputs[0], node.Inputs[1]);
        return index == 0 ? p * x.Pow(p - 1) : node * x.Log();
    }

    public override Lane Emit(LaneEmitter lanes, ReadOnlySpan<Lane> x) => lanes.Pow(x[0], x[1]);
}

internal sealed class Atan2Operation() : ElementwiseOperation("atan2", 2, weight: 15)
{
    public static readonly Atan2Operation Instance = new();

    public override double Value(ReadOnlySpan<double> x) => Math.Atan2(x[0], x[1]);

    public override Expr? Partial(Expr node, int index)
    {
        var (y, x) = (node.Inputs[0], node.Inputs[1]);
        var squares = x * x + y * y;
        return index == 0 ? x / squares : -(y / squares);
    }

    public override Lane Emit(LaneEmitter lanes, ReadOnlySpan<Lane> x) => lanes.Atan2(x[0], x[1]);
}
