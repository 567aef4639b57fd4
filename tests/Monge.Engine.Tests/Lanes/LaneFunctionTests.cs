using Monge.Engine.Lanes;
using Monge.Engine.Programs;

namespace Monge.Engine.Tests.Lanes;

/// <summary>Every lane function in both precisions and all widths against float64 references.</summary>
public sealed class LaneFunctionTests
{
    private static readonly double[] Edges =
        [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 1e-30, -1e-30, 1000.0, -1000.0, double.PositiveInfinity, double.NegativeInfinity, double.NaN];

    private static readonly Dictionary<string, Function> Functions = new Function[]
    {
        new("exp", (e, x) => e.Exp(x), Math.Exp, Points(-87.3, 88.7), 4e-7, 1e-14),
        new("exp64", (e, x) => e.Exp(x), Math.Exp, Points(-708.3, 709.7), 4e-7, 1e-14, Only64: true),
        new("expm1 near 0", (e, x) => e.Expm1(x), SpecialFunctions.Expm1, Both(1e-15, 1.0), 4e-7, 1e-14),
        new("expm1", (e, x) => e.Expm1(x), SpecialFunctions.Expm1, Points(-50.0, 88.7), 4e-7, 1e-14),
        new("log", (e, x) => e.Log(x), Math.Log, Geometric(1e-37, 1e38), 4e-7, 1e-14),
        new("log of subnormals", (e, x) => e.Log(x), Math.Log, Geometric(2e-45, 2e-38), 4e-7, 1e-14),
        new("log near 1", (e, x) => e.Log(x), Math.Log, Points(0.5, 2.0), 4e-7, 1e-14),
        new("log1p", (e, x) => e.Log1p(x), SpecialFunctions.Log1p, Geometric(1e-15, 1e30), 4e-7, 1e-14),
        new("log1p below 1", (e, x) => e.Log1p(x), SpecialFunctions.Log1p, Points(-0.9999, 1.0), 4e-7, 1e-14),
        new("tanh", (e, x) => e.Tanh(x), Math.Tanh, Points(-25.0, 25.0), 4e-7, 1e-14),
        new("tanh near 0", (e, x) => e.Tanh(x), Math.Tanh, Both(1e-20, 1.0), 4e-7, 1e-14),
        new("sigmoid", (e, x) => e.Sigmoid(x), SpecialFunctions.Sigmoid, Points(-86.5, 50.0), 4e-7, 1e-14),
        new("softplus", (e, x) => e.Softplus(x), SpecialFunctions.Softplus, Points(-86.5, 100.0), 4e-7, 1e-14),
        new("sin", (e, x) => e.Sin(x), Math.Sin, Points(-4.0, 4.0), 4e-7, 1e-14),
        new("sin of large angles", (e, x) => e.Sin(x), Math.Sin, Points(-1e4, 1e4), 4e-7, 1e-14, Scaled: true),
        new("cos", (e, x) => e.Cos(x), Math.Cos, Points(-4.0, 4.0), 4e-7, 1e-14),
        new("cos of large angles", (e, x) => e.Cos(x), Math.Cos, Points(-1e4, 1e4), 4e-7, 1e-14, Scaled: true),
        new("erf", (e, x) => e.Erf(x), SpecialFunctions.Erf, Points(-7.0, 7.0), 4e-7, 1e-14),
        new("erf near 0", (e, x) => e.Erf(x), SpecialFunctions.Erf, Both(1e-15, 1.0), 4e-7, 1e-14),
        new("log gamma", (e, x) => e.LogGamma(x), SpecialFunctions.LogGamma, Geometric(1e-10, 1e10), 4e-7, 2e-14, Scaled: true),
        new("log gamma reflected", (e, x) => e.LogGamma(x), SpecialFunctions.LogGamma, Points(-15.3, 15.0), 4e-7, 2e-14, Scaled: true),
        new("digamma", (e, x) => e.Digamma(x), SpecialFunctions.Digamma, Geometric(1e-10, 1e10), 4e-7, 1e-14, Scaled: true),
        new("digamma reflected", (e, x) => e.Digamma(x), SpecialFunctions.Digamma, Points(-15.3, 15.0), 4e-7, 1e-14, Scaled: true),
        new("stirling remainder", (e, x) => e.StirlingRemainder(x), SpecialFunctions.StirlingRemainder, Geometric(1e-10, 1e10), 4e-7, 1e-14, Scaled: true),
        new("stirling slope", (e, x) => e.StirlingSlope(x), SpecialFunctions.StirlingSlope, Geometric(1e-10, 1e10), 4e-7, 1e-14, Scaled: true),
        new("trigamma", (e, x) => e.Trigamma(x), SpecialFunctions.Trigamma, Geometric(1e-10, 1e10), 4e-7, 1e-14),
        new("trigamma reflected", (e, x) => e.Trigamma(x), SpecialFunctions.Trigamma, Points(-15.3, 15.0), 4e-7, 1e-14),
        new("x^2.5", (e, x) => e.Pow(x, e.Constant(2.5)), x => Math.Pow(x, 2.5), Geometric(1e-12, 1e12), 4e-7, 2e-13),
        new("x^-3", (e, x) => e.Pow(x, e.Constant(-3.0)), x => Math.Pow(x, -3.0), Points(-20.3, 20.0), 4e-7, 2e-13),
        new("1.5^x", (e, x) => e.Pow(e.Constant(1.5), x), x => Math.Pow(1.5, x), Points(-200.0, 200.0), 4e-7, 2e-13),
        new("x^0", (e, x) => e.Pow(x, e.Constant(0.0)), x => Math.Pow(x, 0.0), Points(-20.0, 20.0), 0.0, 0.0),
        new("(-2)^x", (e, x) => e.Pow(e.Constant(-2.0), x), x => Math.Pow(-2.0, x), Enumerable.Range(-100, 400).Select(i => i / 2.0).ToArray(), 4e-7, 2e-13),
        new("x^infinity", (e, x) => e.Pow(x, e.Constant(double.PositiveInfinity)), x => Math.Pow(x, double.PositiveInfinity), Points(-3.0, 3.0), 0.0, 0.0),
        new("atan2(x, 1)", (e, x) => e.Atan2(x, e.Constant(1.0)), x => Math.Atan2(x, 1.0), Both(1e-15, 1e15), 4e-7, 1e-14),
        new("atan2(x, -1)", (e, x) => e.Atan2(x, e.Constant(-1.0)), x => Math.Atan2(x, -1.0), Points(-20.0, 20.0), 4e-7, 1e-14),
        new("atan2(1, x)", (e, x) => e.Atan2(e.Constant(1.0), x), x => Math.Atan2(1.0, x), Points(-20.0, 20.0), 4e-7, 1e-14),
        new("atan2(0, x)", (e, x) => e.Atan2(e.Constant(0.0), x), x => Math.Atan2(0.0, x), Points(-20.0, 20.0), 4e-7, 1e-14),
        new("atan2(infinity, x)", (e, x) => e.Atan2(e.Constant(double.PositiveInfinity), x), x => Math.Atan2(double.PositiveInfinity, x),
            Points(-20.0, 20.0), 4e-7, 1e-14),
        new("sqrt", (e, x) => e.Sqrt(x), Math.Sqrt, Geometric(1e-37, 1e38), 6e-8, 0.0),
        new("floor", (e, x) => e.Floor(x), Math.Floor, Points(-20.0, 20.0), 0.0, 0.0),
        new("round", (e, x) => e.RoundToEven(x), Math.Round, Enumerable.Range(-40, 80).Select(i => i / 4.0).ToArray(), 0.0, 0.0),
        new("abs", (e, x) => e.Abs(x), Math.Abs, Points(-20.0, 20.0), 0.0, 0.0),
        new("negate", (e, x) => e.Negate(x), x => -x, Points(-20.0, 20.0), 0.0, 0.0),
        new("sign", (e, x) => e.Sign(x), x => double.IsNaN(x) ? x : Math.Sign(x), Points(-20.0, 20.0), 0.0, 0.0),
    }.ToDictionary(f => f.Name);

    public static TheoryData<string, string, int> Cases()
    {
        var cases = new TheoryData<string, string, int>();
        foreach (string name in Functions.Keys)
            foreach (ElementType type in Enum.GetValues<ElementType>())
                foreach (SimdWidth width in SimdWidths.Supported)
                    if (!Functions[name].Only64 || type == ElementType.Float64)
                        cases.Add(name, type.ToString(), (int)width);
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void AgreesWithTheReference(string name, string typeName, int width)
    {
        ElementType type = Enum.Parse<ElementType>(typeName);
        Function function = Functions[name];
        double[] points = Array.ConvertAll([.. function.Points, .. Edges], x => Representable(type, x));
        double[] values = new LaneKernel(type, (SimdWidth)width, function.Body).Run(points);
        double tolerance = type == ElementType.Float32 ? function.Tolerance32 : function.Tolerance64;
        for (int i = 0; i < points.Length; i++)
        {
            double expected = Representable(type, function.Reference(points[i]), roundFinite: false);
            double scale = Math.Max(Math.Abs(expected), function.Scaled ? 1.0 : SmallestNormal(type));
            bool close = expected.Equals(values[i]) || Math.Abs(values[i] - expected) <= tolerance * scale;
            Assert.True(close || Math.Abs(expected) < SmallestNormal(type) && values[i] == 0.0,
                $"{name}({points[i]:R}) is {values[i]:R}, not {expected:R}: error {Math.Abs(values[i] - expected) / scale:E2}, allowed {tolerance:E2}");
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void AgreesWithTheWidestVector(string name, string typeName, int width)
    {
        ElementType type = Enum.Parse<ElementType>(typeName);
        Function function = Functions[name];
        double[] points = Array.ConvertAll([.. function.Points, .. Edges], x => Representable(type, x));
        double[] widest = new LaneKernel(type, SimdWidths.Best, function.Body).Run(points);
        double[] values = new LaneKernel(type, (SimdWidth)width, function.Body).Run(points);
        double ulp = type == ElementType.Float32 ? Math.ScaleB(1.0, -23) : Math.ScaleB(1.0, -52);
        for (int i = 0; i < points.Length; i++)
            Assert.True(widest[i].Equals(values[i]) || Math.Abs(widest[i] - values[i]) <= 4 * ulp * Math.Abs(widest[i]),
                $"{name}({points[i]:R}) is {values[i]:R} at width {width} and {widest[i]:R} at the widest");
    }

    [Theory]
    [InlineData("tanh")]
    [InlineData("erf")]
    [InlineData("sin")]
    [InlineData("atan2(x, 1)")]
    public void OddFunctionsChangeSignWithTheirArgument(string name) => CheckSymmetry(name, -1.0);

    [Fact]
    public void CosineIsEven() => CheckSymmetry("cos", 1.0);

    [Fact]
    public void SineAndCosineLieOnTheUnitCircle()
    {
        foreach (ElementType type in Enum.GetValues<ElementType>())
        {
            var circle = new LaneKernel(type, SimdWidths.Best, (e, x) =>
            {
                Lane sine = e.Sin(x), cosine = e.Cos(x);
                return e.MultiplyAdd(sine, sine, e.Multiply(cosine, cosine));
            });
            foreach (double value in circle.Run(Points(-1000.0, 1000.0)))
                Assert.Equal(1.0, value, type == ElementType.Float32 ? 5e-7 : 1e-15);
        }
    }

    [Fact]
    public void SineOfAnAngleWithoutMeaningIsNaN()
    {
        Assert.All(new LaneKernel(ElementType.Float32, SimdWidths.Best, (e, x) => e.Sin(x)).Run([1e7, -1e7, 1e30]), x => Assert.True(double.IsNaN(x)));
        Assert.All(new LaneKernel(ElementType.Float64, SimdWidths.Best, (e, x) => e.Cos(x)).Run([1e16, -1e16, 1e300]), x => Assert.True(double.IsNaN(x)));
    }

    private static void CheckSymmetry(string name, double sign)
    {
        foreach (ElementType type in Enum.GetValues<ElementType>())
            foreach (SimdWidth width in SimdWidths.Supported)
            {
                var kernel = new LaneKernel(type, width, Functions[name].Body);
                double[] points = Points(0.0, 9.0);
                double[] right = kernel.Run(points), left = kernel.Run(Array.ConvertAll(points, x => -x));
                for (int i = 0; i < points.Length; i++) Assert.Equal(right[i], sign * left[i]);
            }
    }

    private static double Representable(ElementType type, double x, bool roundFinite = true)
    {
        if (type == ElementType.Float64) return x;
        return roundFinite || float.IsInfinity((float)x) ? (float)x : x;
    }

    private static double SmallestNormal(ElementType type) => Math.ScaleB(1.0, type == ElementType.Float32 ? -126 : -1022);

    private static double[] Points(double low, double high) =>
        Enumerable.Range(0, 3001).Select(i => low + (high - low) * i / 3000.0).ToArray();

    private static double[] Geometric(double low, double high) =>
        Enumerable.Range(0, 3001).Select(i => low * Math.Exp(Math.Log(high / low) * i / 3000.0)).ToArray();

    private static double[] Both(double low, double high) => [.. Geometric(low, high), .. Geometric(low, high).Select(x => -x)];

    /// <summary>
    /// A lane function with its reference, where to compare, the allowed relative errors, and whether the error counts relative to max(1, value).
    /// </summary>
    private sealed record Function(
        string Name, Func<LaneEmitter, Lane, Lane> Body, Func<double, double> Reference, double[] Points,
        double Tolerance32, double Tolerance64, bool Scaled = false, bool Only64 = false);
}
