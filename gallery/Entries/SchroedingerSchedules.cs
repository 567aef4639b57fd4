using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Objectives;
using Monge.Paths;
using Monge.Training;

namespace Monge.Gallery.Entries;

/// <summary>The Schroedinger bridge between Gaussians by max-min over interpolants (arXiv:2303.08797, section 3.4).</summary>
internal static class SchroedingerSchedules
{
    private const int Nodes = 400;
    private const int Ascents = 6000;
    private const int Modes = 6;

    private static readonly StreamName s_parameterStream = StreamName.Numbered("schroedinger schedules: parameters", 720);

    // Deviations of the ends and the diffusion; without diffusion the bridge is the optimal transport.
    private static readonly (double Start, double End, double Diffusion)[] s_cases = [(1, 2, 0.5), (1, 1, 1), (0.5, 2, 0.1), (1, 3, 0)];

    /// <summary>The experiments.</summary>
    internal static IReadOnlyList<Experiment> Experiments { get; } =
    [
        new Experiment(
            "schroedinger",
            "Max over sine series in alpha, beta and log gamma, min over the drift, which between Gaussians is linear and solved exactly at each time: the "
            + "variance along the bridge.",
            Quick: true,
            [
                .. s_cases.Select(c => FigureReference.AtMost(
                    $"largest relative error of the variance, deviations {c.Start} and {c.End}, diffusion {c.Diffusion}", 0.01,
                    "closed form", stretchBound: 0.001)),
            ],
            Experiment.InBackground((settings, cancellation) => [.. s_cases.Select(c => LargestError(c.Start, c.End, c.Diffusion, settings, cancellation))])),
    ];

    private static double LargestError(double start, double end, double diffusion, ExperimentSettings settings, CancellationToken cancellation)
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var family = diffusion > 0 ? InterpolantSchedules.LinearWithLatent(2 * diffusion) : InterpolantSchedules.Linear;
        var schedule = FourierSchedule.Create(parameters, initializer, "path", family, Modes);
        var t = Expr.Input("t");
        var value = SchroedingerObjective.GaussianSaddle(schedule, start * start, end * end, diffusion, t) / Nodes;
        var options = new GradientStepOptions { LearningRate = new WarmCosineRate(2e-2, 0.001), AverageDecay = 0.9 };
        using var step = new GradientStep<double>(parameters, -value, Nodes, options, settings.Execution);
        step.Program["t"] = NdArray<double>.From(Measurements.Midpoints(Nodes), Nodes);
        var state = step.Init(initializer, new RandomKey(settings.Seed, s_parameterStream));
        for (var k = 0; k < Ascents; k++)
        {
            cancellation.ThrowIfCancellationRequested();
            step.Run(state, k, Ascents, default);
        }

        double[] found = [.. state.Average.Span];
        var fitted = FourierSchedule.WithValues(family, found[..Modes], found[Modes..(2 * Modes)], diffusion > 0 ? found[(2 * Modes)..] : null);
        var bridge = new GaussianBridge([0], start, [0], end, diffusion);
        double[] times = [.. Enumerable.Range(0, 101).Select(k => k / 100.0)];
        var exact = FieldEvaluation.At(1, (_, time) => bridge.Variance(time), new double[times.Length], times);
        var error = fitted.At(times).Select(
            (v, k) => Math.Abs(((v.Alpha * v.Alpha * start * start) + (v.Beta * v.Beta * end * end) + (v.Gamma * v.Gamma)) / exact[k] - 1)).Max();
        settings.Remark($"deviations {start} and {end}, diffusion {diffusion}: value {-step.Program["loss"][0]:f6}, variance within {error:g3}");
        return error;
    }
}
