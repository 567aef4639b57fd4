using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Objectives;

/// <summary>
/// The gradient of a loss that couples the rows of a batch, L(v_1, ..., v_n) with v_i the value of a traced program on row i: one pass for all values, the
/// statistic with its cotangents c_i = dL/dv_i, and a second pass for sum_i c_i . dv_i. Random numbers are drawn again from their key and nothing of the
/// program between is kept, so memory is that of the values. Calls after the first allocate nothing; results are the same to the bit for any number of threads.
/// </summary>
/// <typeparam name="T">float or double; the statistic sees double in either case.</typeparam>
public sealed class CoupledLoss<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const string Value = "coupled.value";
    private const string Cotangent = "coupled.cotangent";
    private readonly CompiledProgram<T> _values;
    private readonly CompiledProgram<T> _products;
    private readonly BatchStatistic _statistic;
    private readonly double[] _numbers;
    private readonly double[] _cotangents;

    /// <summary>Compiles both passes.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="value">v of one row, of any shape [m].</param>
    /// <param name="batch">n, at least 1.</param>
    /// <param name="statistic">L and its cotangents.</param>
    /// <param name="options">How to execute.</param>
    /// <param name="inputs">Inputs of the program whose gradients are wanted too; bind arrays for them by <see cref="BindGradient"/>.</param>
    public CoupledLoss(
        ParameterSet parameters, Expr value, int batch, BatchStatistic statistic, ExecutionOptions? options = null, params IReadOnlyList<Expr> inputs)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        (_statistic, _numbers, _cotangents) = (statistic, new double[batch * value.Size], new double[batch * value.Size]);
        var cotangent = Expr.Input(Cotangent, value.Shape.Sizes);
        var product = (cotangent * value).Sum();
        Expr[] gradients = inputs.Count == 0 ? [] : Derivative.Gradients(product, [.. inputs]);
        _values = new CompiledProgram<T>(new TracedProgram(parameters, (Value, value)), options) { [Value] = NdArray<T>.ForSamples(batch, value.Shape) };
        _products = new CompiledProgram<T>(
            new TracedProgram(
                parameters,
                [("gradient", Derivative.ParameterGradient(product, parameters).BatchSum()), .. gradients.Select((g, k) => (GradientName(k), g))]),
            options)
        { [Cotangent] = NdArray<T>.ForSamples(batch, value.Shape) };
        Batch = batch;
    }

    /// <summary>n.</summary>
    public int Batch { get; }

    /// <summary>The rows' values [n, m] at the last call.</summary>
    public ReadOnlySpan<double> Values => _numbers;

    /// <summary>The gradient [P] of the last call.</summary>
    public NdArray<T> Gradient => _products["gradient"];

    /// <summary>The threads that calls run on, for work beside them.</summary>
    public ThreadTeam Team => _products.Team;

    /// <summary>Binds an input of the program in both passes.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="values">Its values [n, ...], or for a shared one its value.</param>
    public void Bind(string name, NdArray<T> values)
    {
        _values.BindIfUsed(name, values);
        _products.BindIfUsed(name, values);
    }

    /// <summary>Binds the array that receives the gradient of an input given at construction.</summary>
    /// <param name="index">Its place among them.</param>
    /// <param name="gradient">Receives the gradient [n, ...].</param>
    public void BindGradient(int index, NdArray<T> gradient) => _products[GradientName(index)] = gradient;

    /// <summary>The loss, its gradient, and those of inputs.</summary>
    /// <param name="parameters">The parameters' values [P].</param>
    /// <param name="draw">The place in the random streams.</param>
    /// <returns>The loss.</returns>
    public double Run(NdArray<T> parameters, DrawKey draw = default)
    {
        (_values.Parameters, _products.Parameters) = (parameters, parameters);
        _values.Run(Batch, draw);
        Numbers.Copy(_values[Value].Span, _numbers.AsSpan());
        var loss = _statistic(_numbers, _cotangents);
        Numbers.Copy(_cotangents.AsSpan(), _products[Cotangent].Span);
        _products.Run(Batch, draw);
        return loss;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _values.Dispose();
        _products.Dispose();
    }

    private static string GradientName(int index) => FormattableString.Invariant($"coupled.gradient.{index}");
}

/// <summary>
/// A traced statistic of a batch: L = (1/n) sum_i l(v_i, S) with S = (1/n) sum_i s(v_i), for example the variance by s = v and l = (v - S)^2, or what batch
/// normalisation does. Its cotangents are (dl/dv + (ds/dv)^T lambda) / n with lambda = (1/n) sum_i dl/dS, in three small programs on the values.
/// </summary>
public sealed class TracedStatistic : IDisposable
{
    private readonly NdArray<double> _values;
    private readonly NdArray<double> _cotangents;
    private readonly CompiledProgram<double> _sum;
    private readonly CompiledProgram<double> _slope;
    private readonly CompiledProgram<double> _gradient;

    /// <summary>Compiles the programs.</summary>
    /// <param name="batch">n.</param>
    /// <param name="length">m, numbers of a row.</param>
    /// <param name="summand">s(v) of a row's values [m].</param>
    /// <param name="loss">l(v, S), a scalar.</param>
    /// <param name="options">How to execute.</param>
    public TracedStatistic(int batch, int length, Func<Expr, Expr> summand, Func<Expr, Expr, Expr> loss, ExecutionOptions? options = null)
    {
        (_values, _cotangents) = (new NdArray<double>(batch, length), new NdArray<double>(batch, length));
        var v = Expr.Input("v", length);
        var s = summand(v);
        var (mean, slope, share) = (Expr.Shared("mean", s.Shape.Sizes), Expr.Shared("slope", s.Shape.Sizes), 1.0 / batch);
        var l = loss(v, mean);
        CompiledProgram<double> Compile(params (string, Expr)[] outputs) => new(new TracedProgram(null, outputs), options) { ["v"] = _values };
        _sum = Compile(("mean", (share * s).BatchSum()));
        _slope = Compile(("loss", (share * l).BatchSum()), ("slope", (share * Derivative.Gradient(l, mean)).BatchSum()));
        _gradient = Compile(("gradient", share * Derivative.Gradient(l + (slope * s).Sum(), v)));
        _gradient["gradient"] = _cotangents;
    }

    /// <summary>L and its cotangents: a <see cref="BatchStatistic"/>.</summary>
    /// <param name="values">Values [n, m].</param>
    /// <param name="cotangents">Receives dL/dv [n, m].</param>
    public double Evaluate(ReadOnlySpan<double> values, Span<double> cotangents)
    {
        values.CopyTo(_values.Span);
        _sum.Run(_values.Rows);
        _slope.BindIfUsed("mean", _sum["mean"]);
        _slope.Run(_values.Rows);
        _gradient.BindIfUsed("mean", _sum["mean"]);
        _gradient.BindIfUsed("slope", _slope["slope"]);
        _gradient.Run(_values.Rows);
        _cotangents.Span.CopyTo(cotangents);
        return _slope["loss"][0];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sum.Dispose();
        _slope.Dispose();
        _gradient.Dispose();
    }
}
