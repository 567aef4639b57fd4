using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Objectives;
using Monge.Paths;
using Monge.Training;

namespace Monge.Gallery.Entries;

/// <summary>
/// The annealing from the standard normal to another Gaussian of the plane, where drift and normaliser are known in closed form: the residual of
/// the annealing loss on them, and a drift trained by that loss beside them. A drift is fixed by the residual only up to fields that carry the
/// density around in circles, so the trained one is a gradient field, as the closed form is.
/// </summary>
internal static class GaussianAnnealingSuite
{
    private const int Dimension = 2;
    private const double EndScale = 0.6;
    private const double BoxHalfWidth = 3.5;
    private const int Iterations = 2000;
    private const int Batch = 512;
    private const double PeakLearningRate = 5e-3;
    private const int EvaluationPoints = 8192;

    // Purposes of random streams.
    private const int PositionStream = 1;
    private const int TimeStream = 2;

    private static readonly double[] s_endMean = [1.5, -1.0];
    private static readonly GaussianAnnealing s_exact = new(new double[Dimension], 1, s_endMean, EndScale);
    private static readonly AnnealingPath s_path = new(Dimension, x => GaussianBase.Diagonal(s_endMean, [EndScale, EndScale]).LogDensity(x));

    /// <summary>The largest absolute residual on the exact drift, in float64 at points far into the tails.</summary>
    public static double LargestResidual(ExperimentSettings settings)
    {
        var x = 3 * Expr.Random(RandomLaw.Normal, PositionStream, Dimension);
        var t = Expr.Random(RandomLaw.Uniform, TimeStream);
        var residual = ContinuityResidual.Exact(s_path, new FormulaField(Dimension, s_exact.Drift), s_exact.LogNormaliserSlope(t), x, t);
        using var run = new CompiledProgram<double>(new TracedProgram(null, ("residual", residual)), Execution(settings));
        run["residual"] = new NdArray<double>(EvaluationPoints);
        run.Run(EvaluationPoints, new DrawKey(settings.Seed));
        var largest = 0.0;
        foreach (var value in run["residual"].Span)
        {
            largest = double.IsNaN(value) ? double.NaN : Math.Max(largest, Math.Abs(value));
        }

        return largest;
    }

    /// <summary>
    /// Trains a gradient drift and c(t) by the mean squared residual at points of the interpolated box, and returns the relative L2 error of the
    /// drift under the path's own marginals, and the error of the integral of c, which is log Z.
    /// </summary>
    public static (double DriftError, double LogZError) Train(ExperimentSettings settings, CancellationToken cancellation)
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var network = new DriftNetwork(parameters, initializer, Dimension, width: 32, depth: 2);
        var slope = new TimeNetwork(parameters, initializer, "slope", 1, width: 32);
        Expr Drift(Expr x, Expr t) => Derivative.Gradient(Expr.Dot(x, network.Apply(x, t)), x);

        var time = Expr.Random(RandomLaw.Uniform, TimeStream);
        var position = InterpolatedBox(time);
        var loss = ContinuityResidual.Exact(s_path, new FormulaField(Dimension, Drift), slope.Apply(time)[0], position, time).Square() / Batch;
        var program = new TracedProgram(parameters, ("loss", loss.BatchSum()), ("gradient", Derivative.ParameterGradient(loss, parameters).BatchSum()));
        var adam = new AdamState<float>(parameters.Count);
        initializer.Fill(adam.Parameters.Span, new RandomKey(settings.Seed, 0));
        adam.BeginAverage();
        using var step = new CompiledProgram<float>(program, Execution(settings)) { Parameters = adam.Parameters };
        for (var k = 0; k < Iterations; k++)
        {
            cancellation.ThrowIfCancellationRequested();
            step.Run(Batch, new DrawKey(settings.Seed, (ulong)k));
            adam.Step(step["gradient"], LearningRate.WarmCosine(k, Iterations, PeakLearningRate, 0.01), clip: 10, averageDecay: 0.99, step.Team);
        }

        return Evaluate(settings, parameters, adam.Average, Drift, t => slope.Apply(t)[0]);
    }

    private static (double DriftError, double LogZError) Evaluate(
        ExperimentSettings settings, ParameterSet parameters, NdArray<float> trained, Func<Expr, Expr, Expr> drift, Func<Expr, Expr> slope)
    {
        var time = Expr.Random(RandomLaw.Uniform, TimeStream);
        var precision = (1 - time) + (time / (EndScale * EndScale));
        var mean = time / (EndScale * EndScale) * Expr.Constant(s_endMean, Dimension) / precision;
        var position = mean + (Expr.Random(RandomLaw.Normal, PositionStream, Dimension) / precision.Sqrt());
        var exact = s_exact.Drift(position, time);
        var program = new TracedProgram(
            parameters,
            ("error", (drift(position, time) - exact).SquaredNorm().BatchSum()),
            ("size", exact.SquaredNorm().BatchSum()),
            ("slope", ((slope(time) - s_exact.LogNormaliserSlope(time)) / EvaluationPoints).BatchSum()));
        using var run = new CompiledProgram<double>(program, Execution(settings));
        for (var k = 0; k < trained.Length; k++)
        {
            run.Parameters[k] = trained[k];
        }

        run.Run(EvaluationPoints, new DrawKey(settings.Seed, Iterations));
        return (Math.Sqrt(run["error"][0] / run["size"][0]), Math.Abs(run["slope"][0]));
    }

    /// <summary>A uniform point of (1 - t) [-w, w]^d + t (m1 + s1 [-w, w]^d).</summary>
    private static Expr InterpolatedBox(Expr time)
    {
        var scale = BoxHalfWidth * ((1 - time) + (time * EndScale));
        return (time * Expr.Constant(s_endMean, Dimension)) + (scale * ((2 * Expr.Random(RandomLaw.Uniform, PositionStream, Dimension)) - 1));
    }

    private static ExecutionOptions Execution(ExperimentSettings settings) => new() { Threads = settings.Threads };
}
