using System.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Training;

namespace Monge.Gallery.Entries;

/// <summary>What a trained model is worth, measured at points that were not trained on.</summary>
/// <param name="ResidualRms">The root of the mean square of the residuals at fresh collocation points.</param>
/// <param name="DriftError">The relative L2 error of the field under the exact law; not a number where the loss has many solutions.</param>
/// <param name="LogZError">The absolute error of log Z, from log z or the integral of c; not a number without one.</param>
internal readonly record struct GaussianScore(double ResidualRms, double DriftError, double LogZError);

/// <summary>A law carried from t = 0 to 1, beside the target.</summary>
/// <param name="MomentError">The largest error of a mean (in standard deviations) or a standard deviation (relative).</param>
/// <param name="LogZ">log Z by importance weights.</param>
/// <param name="EffectiveSampleSize">Of those weights, as a fraction.</param>
internal readonly record struct CarriedLaw(double MomentError, double LogZ, double EffectiveSampleSize);

/// <summary>Trains the models of <see cref="GaussianEvolutions"/> in float64 by Adam and by Gauss-Newton, and measures them.</summary>
internal static class GaussianTraining
{
    /// <summary>Steps of Adam of the losses' own experiment, and before Gauss-Newton.</summary>
    public const int AdamSteps = 6000;

    /// <summary>Hidden units of a potential of the losses' own experiment.</summary>
    public const int AdamWidth = 32;

    /// <summary>Hidden units of a potential for Gauss-Newton, and for Adam beside it.</summary>
    public const int NewtonWidth = 16;

    private const int WarmSteps = 600;
    private const int AdamBatch = 512;
    private const double PeakLearningRate = 1e-2;

    // Gauss-Newton: points of a step, steps on the same points, and the goal on fresh points at which it ends.
    private const int Points = 600;
    private const int StepsOnPoints = 10;
    private const int MostSteps = 2000;
    private const double RmsGoal = 4e-6;

    private const int EvaluationPoints = 8192;
    private static readonly StreamName s_startStream = StreamName.Numbered("gaussian training: start", 0);
    private static readonly StreamName s_evaluationStream = StreamName.Numbered("gaussian training: evaluation", 42);

    // Places in the random streams beyond those that training uses.
    private const ulong NewtonStart = 1_000_000;
    private const ulong FreshPoints = 2_000_000;

    /// <summary>Trains by Adam for a number of steps and returns the averaged parameters, and the time of a step without compilation.</summary>
    public static (NdArray<double> Parameters, double SecondsPerStep) Adam(
        GaussianModel model, int steps, ExperimentSettings settings, CancellationToken cancellation)
    {
        var options = new LossMinimiserOptions
        {
            Iterations = steps,
            BatchSize = AdamBatch,
            LearningRate = PeakLearningRate,
            AverageDecay = 0.99,
            StartStream = s_startStream
        };
        var loss = model.Residual.SquaredNorm();
        using var minimiser = new LossMinimiser<double>(model.Parameters, model.Initializer, loss, options, settings.Seed, settings.Execution);
        var outcome = minimiser.Run(cancellation: cancellation);
        return (minimiser.State.Average, outcome.Elapsed.TotalSeconds / steps);
    }

    /// <summary>
    /// A short phase of Adam, then Gauss-Newton until the residual on fresh points is below the goal; with the seconds and the Gauss-Newton steps of it all.
    /// </summary>
    public static (NdArray<double> Parameters, double Seconds, int Steps, double AdamSecondsPerStep) GaussNewton(
        GaussianModel model, ExperimentSettings settings, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var (start, secondsPerStep) = Adam(model, WarmSteps, settings, cancellation);
        var options = new GaussNewtonOptions { LargestDamping = 1e-3, Adaptive = true };
        using var newton = new GaussNewton(model.Parameters, model.Residual, Points, options, settings.Execution);
        start.Span.CopyTo(newton.Parameters.Span);
        var steps = 0;
        while (steps < MostSteps && newton.Loss(new DrawKey(settings.Seed, FreshPoints)) > RmsGoal * RmsGoal)
        {
            cancellation.ThrowIfCancellationRequested();
            var points = new DrawKey(settings.Seed, NewtonStart + (ulong)steps);
            for (var k = 0; k < StepsOnPoints; k++, steps++)
            {
                newton.Step(points);
            }
        }

        return (newton.Parameters, clock.Elapsed.TotalSeconds, steps, secondsPerStep);
    }

    /// <summary>Measures a model at the exact law's points and at fresh collocation points.</summary>
    public static GaussianScore Score(GaussianModel model, NdArray<double> parameters, ExperimentSettings settings)
    {
        var t = Expr.Input("t");
        List<(string, Expr)> outputs = [("residual", model.Residual.SquaredNorm().BatchSum() / EvaluationPoints)];
        if (model.Exact is { } exactField)
        {
            var x = model.Law!(t, Expr.Random(RandomLaw.Normal, s_evaluationStream, GaussianEvolutions.Dimension));
            var exact = exactField(x, t);
            outputs.Add(("error", (model.Field.Apply(x, t) - exact).SquaredNorm().BatchSum()));
            outputs.Add(("size", exact.SquaredNorm().BatchSum()));
        }

        if (model.Slope is { } slope)
        {
            outputs.Add(("logZ", slope(t).BatchSum() / EvaluationPoints));
        }

        using var run = new CompiledProgram<double>(new TracedProgram(model.Parameters, [.. outputs]), settings.Execution);
        run.Parameters = parameters;
        if (model.Exact is not null || model.Slope is not null)
        {
            // The midpoint rule in time, so that the integral of c is exact beside the figure's tolerance.
            run["t"] = NdArray<double>.From(Measurements.Midpoints(EvaluationPoints), EvaluationPoints);
        }

        run.Run(EvaluationPoints, new DrawKey(settings.Seed, FreshPoints + 1));
        var logZ = model.LogNormaliserOffset is { } at ? parameters[at] + model.LogDensity!.StartLogNormaliser
            : model.Slope is not null ? run["logZ"][0]
            : double.NaN;
        return new GaussianScore(
            Math.Sqrt(run["residual"][0]),
            model.Exact is null ? double.NaN : Math.Sqrt(run["error"][0] / run["size"][0]),
            Math.Abs(logZ - GaussianEvolutions.LogZ));
    }

    /// <summary>
    /// Carries a grid of base points, weighted by the base's density, along the model's velocity: the trapezoidal rule in place
    /// of draws, so the moments carry no noise.
    /// </summary>
    public static CarriedLaw Carry(GaussianModel model, NdArray<double> parameters, ExperimentSettings settings)
    {
        const int side = 49;
        const double halfWidth = 6;
        const int steps = 50;
        var start = new NdArray<double>(side * side, 2);
        for (var i = 0; i < start.Rows; i++)
        {
            start[2 * i] = halfWidth * ((2.0 * (i / side) / (side - 1)) - 1);
            start[(2 * i) + 1] = halfWidth * ((2.0 * (i % side) / (side - 1)) - 1);
        }

        using var ode = new TransportOde<double>(model.Parameters, model.Field, RungeKuttaTableau.RungeKutta4, settings.Execution);
        var (end, divergence) = ode.Run(parameters, start, steps);
        var cell = Math.Pow(2 * halfWidth / (side - 1), 2) / (2 * Math.PI);
        var (mean, square, mass, squaredMass) = (new double[2], new double[2], 0.0, 0.0);
        for (var i = 0; i < start.Rows; i++)
        {
            var (x, y) = (end[2 * i], end[(2 * i) + 1]);
            var radius = (start[2 * i] * start[2 * i]) + (start[(2 * i) + 1] * start[(2 * i) + 1]);
            var share = cell * Math.Exp(-0.5 * radius);
            mean[0] += share * x;
            mean[1] += share * y;
            square[0] += share * x * x;
            square[1] += share * y * y;
            var distance = Math.Pow(x - GaussianEvolutions.EndMean[0], 2) + Math.Pow(y - GaussianEvolutions.EndMean[1], 2);
            var logWeight = (-0.5 * distance / (GaussianEvolutions.EndScale * GaussianEvolutions.EndScale)) + (0.5 * radius) + Math.Log(
                2 * Math.PI) + divergence[i];
            mass += share * Math.Exp(logWeight);
            squaredMass += share * Math.Exp(2 * logWeight);
        }

        return new CarriedLaw(MomentError(mean, square), Math.Log(mass), mass * mass / squaredMass);
    }

    /// <summary>
    /// The moments of particles carried from the base by the SDE whose drift is the model's, with the noise of
    /// <see cref="GaussianEvolutions.Noise"/>; they carry the noise of the draws.
    /// </summary>
    public static double StochasticMomentError(GaussianModel model, IVectorField velocity, NdArray<double> parameters, ExperimentSettings settings)
    {
        const int particles = 40_000;
        const int steps = 100;
        using var sde = TransportSde.Forward<double>(
            model.LogDensity!, model.Parameters, velocity, SdeScheme.Heun, particles, s_evaluationStream, s_evaluationStream.Member(3), settings.Execution);
        sde.Start(parameters, particles, new DrawKey(settings.Seed, FreshPoints));
        sde.Advance(parameters, particles, new TimeGrid(0, steps, steps, (_, _) => GaussianEvolutions.Noise), new DrawKey(settings.Seed, FreshPoints));
        var (mean, square) = (new double[2], new double[2]);
        for (var i = 0; i < 2 * particles; i++)
        {
            mean[i % 2] += sde.Positions[i] / particles;
            square[i % 2] += sde.Positions[i] * sde.Positions[i] / particles;
        }

        return MomentError(mean, square);
    }

    private static double MomentError(double[] mean, double[] square)
    {
        var worst = 0.0;
        for (var j = 0; j < 2; j++)
        {
            var deviation = Math.Sqrt(square[j] - (mean[j] * mean[j]));
            worst = Math.Max(worst, Math.Abs(mean[j] - GaussianEvolutions.EndMean[j]) / GaussianEvolutions.EndScale);
            worst = Math.Max(worst, Math.Abs((deviation / GaussianEvolutions.EndScale) - 1));
        }

        return worst;
    }
}
