using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Objectives;

/// <summary>How the times of a batch are drawn.</summary>
public enum TimeLaw
{
    /// <summary>One in each of as many equal intervals as the batch has samples.</summary>
    Stratified,

    /// <summary>Independent and uniform.</summary>
    Uniform,

    /// <summary>Stratified under a density that follows the spread of the loss, with weights that keep the objective unchanged.</summary>
    Importance,
}

/// <summary>
/// The times of a regression's batches. Importance sampling has a density proportional to the root of the mean squared residual, which the spread of a gradient
/// follows, mixed with a uniform one; each time has the weight 1 / density, so the objective stays the same.
/// </summary>
public sealed class RegressionTimes
{
    /// <summary>Intervals of time whose residuals importance sampling follows.</summary>
    public const int Bins = 32;

    private const double Memory = 0.99;
    private const double UniformShare = 0.3;
    private const string Stratum = "stratum";
    private const string Width = "stratumWidth";
    private const string Weight = "timeWeight";

    private readonly NdArray<float> _strata;
    private readonly NdArray<float> _width;
    private readonly NdArray<float> _weights;
    private readonly double[] _density = new double[Bins];
    private readonly double[] _sum = new double[Bins];
    private readonly int[] _count = new int[Bins];

    /// <summary>The times of batches of a size; stratified until they are drawn anew.</summary>
    /// <param name="law">How they are drawn.</param>
    /// <param name="size">n.</param>
    public RegressionTimes(TimeLaw law, int size)
    {
        (_strata, _width, _weights) = (new NdArray<float>(size), new NdArray<float>(), new NdArray<float>(size));
        _width[0] = 1f / size;
        _weights.Span.Fill(1);
        for (var i = 0; i < size && law != TimeLaw.Uniform; i++)
        {
            _strata[i] = (float)((double)i / size);
        }
    }

    /// <summary>A time of the program that is run on the batch, and its weight in the loss (null for 1).</summary>
    /// <param name="law">How times are drawn.</param>
    /// <param name="margin">How far from 0 and 1 they are kept.</param>
    public static (Expr Time, Expr? Weight) Trace(TimeLaw law, double margin)
    {
        var stratum = Expr.Input(Stratum);
        var width = law == TimeLaw.Uniform ? 1 : Expr.Shared(Width);
        var unit = law == TimeLaw.Importance ? stratum : stratum + (width * Expr.Random(RandomLaw.Uniform, ObjectiveStreams.Times));
        return (margin + ((1 - (2 * margin)) * unit), law == TimeLaw.Importance ? Expr.Input(Weight) : null);
    }

    /// <summary>Binds the arrays that the traced time reads.</summary>
    /// <param name="program">The program.</param>
    public void Bind(CompiledProgram<float> program)
    {
        program.BindIfUsed(Stratum, _strata);
        program.BindIfUsed(Width, _width);
        program.BindIfUsed(Weight, _weights);
    }

    /// <summary>Draws stratified times by importance with their weights.</summary>
    /// <param name="spread">The mean squared residual of each bin.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="step">The step.</param>
    public void Draw(ReadOnlySpan<double> spread, ulong seed, long step)
    {
        var random = new RandomStream(new RandomState(new RandomKey(seed, ObjectiveStreams.Importance).PhiloxKey, (ulong)step << 32));
        var total = 0.0;
        foreach (var value in spread)
        {
            total += Math.Sqrt(value);
        }

        for (var k = 0; k < Bins; k++)
        {
            _density[k] = UniformShare + ((1 - UniformShare) * Bins * Math.Sqrt(spread[k]) / total);
        }

        var times = _strata.Span;
        var (bin, below) = (0, 0.0);
        for (var i = 0; i < times.Length; i++)
        {
            var level = (i + random.NextDouble()) / times.Length * Bins;
            while (bin < Bins - 1 && below + _density[bin] < level)
            {
                below += _density[bin++];
            }

            times[i] = (float)Math.Clamp((bin + ((level - below) / _density[bin])) / Bins, 0, 1);
            _weights[i] = (float)(1 / _density[bin]);
        }
    }

    /// <summary>Follows the residuals of a step.</summary>
    /// <param name="spread">The mean squared residual of each bin.</param>
    /// <param name="residuals">The squared residuals [n] of the batch.</param>
    public void Observe(Span<double> spread, ReadOnlySpan<float> residuals)
    {
        Array.Clear(_sum);
        Array.Clear(_count);
        for (var i = 0; i < residuals.Length; i++)
        {
            var bin = Math.Min(Bins - 1, (int)(_strata[i] * Bins));
            _sum[bin] += residuals[i];
            _count[bin]++;
        }

        for (var k = 0; k < Bins; k++)
        {
            spread[k] = _count[k] == 0 ? spread[k] : (Memory * spread[k]) + ((1 - Memory) * _sum[k] / _count[k]);
        }
    }
}
