using System.Globalization;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Objectives;

namespace Monge.Gallery.Entries;

/// <summary>
/// The exact-solution suite of arXiv:2407.07873: the residual operators on closed forms, each loss trained by Adam, the unique ones driven on by Gauss-Newton,
/// and what must hold of every solution.
/// </summary>
internal static class GaussianSuite
{
    private const string ClosedForm = "closed form between Gaussians";
    private const int Points = 4096;

    // Random streams of the points in the tails, and how far the tails are taken, in standard deviations of the base.
    private static readonly StreamName s_positionStream = StreamName.Numbered("gaussian suite: position", 43);
    private static readonly StreamName s_timeStream = StreamName.Numbered("gaussian suite: time", 44);
    private const double TailWidth = 3;

    /// <summary>The experiments, in the order in which they run.</summary>
    public static IReadOnlyList<Experiment> Experiments { get; } =
    [
        new Experiment(
            "residual-operators",
            "Each residual operator on a closed form, in float64 at 4096 points far into the tails; and the two descriptions of one evolution.",
            Quick: true,
            [.. Operators().Select(o => FigureReference.AtMost(o.Name, 1e-8, ClosedForm, stretchBound: 1e-11))],
            (settings, _) => Task.FromResult<IReadOnlyList<double>>([.. Operators().Select(o => Largest(o.Residual, settings))])),
        new Experiment(
            "gaussian-losses",
            "Every loss of the table trained by Adam between two Gaussians of the plane; the general losses have many solutions and are judged by the law "
            + "that they carry.",
            Quick: true,
            [
                .. GaussianEvolutions.Losses.Where(l => l.IsUnique).Select(
                    l => FigureReference.AtMost($"{l.Name}: relative L2 error of the drift", 2e-2, ClosedForm, stretchBound: 5e-3)),
                .. GaussianEvolutions.Losses.Where(l => !l.IsUnique).Select(
                    l => FigureReference.AtMost($"{l.Name}: error of the carried law's moments", 2e-2, ClosedForm, stretchBound: 5e-3)),
                FigureReference.AtMost("largest error of a learned log Z", 2e-2, ClosedForm, stretchBound: 5e-3),
            ],
            (settings, cancellation) => Task.Run(() => TrainByAdam(settings, cancellation), cancellation)),
        new Experiment(
            "gauss-newton",
            "The unique losses by Gauss-Newton in float64 after a short phase of Adam, with Adam alone at equal wall time beside it.",
            Quick: false,
            [
                .. GaussianEvolutions.Losses.Where(l => l.IsUnique).SelectMany(l => (FigureReference[])
                [
                    FigureReference.AtMost($"{l.Name}: residual RMS", 1e-5, ClosedForm),
                    FigureReference.AtMost($"{l.Name}: relative L2 error of the drift", 1e-4, ClosedForm, stretchBound: 1e-6),
                ]),
                FigureReference.AtLeast("smallest ratio of Adam's drift error to Gauss-Newton's, equal wall time", 1, "the paper's claim", stretchBound: 10)
                    .OverSeeds(),
            ],
            (settings, cancellation) => Task.Run(() => TrainByGaussNewton(settings, cancellation), cancellation)),
        new Experiment(
            "gaussian-invariants",
            "What holds of every solution: a trained V stays normalised, the integral of c is the log Z of importance weights, SDE and probability flow "
            + "carry one law.",
            Quick: false,
            [
                FigureReference.AtMost(
                    "Schroedinger bridge: largest error of the integral of exp V over eleven times", 2e-2, "normalisation", stretchBound: 5e-3),
                FigureReference.AtMost("annealing: integral of c less log Z of the weights", 2e-2, "thermodynamic integration", stretchBound: 5e-3),
                FigureReference.AtMost("Schroedinger bridge: error of the moments carried by the probability flow", 2e-2, ClosedForm, stretchBound: 5e-3),
                FigureReference.AtMost("Schroedinger bridge: error of the moments carried by the SDE", 2e-2, ClosedForm),
            ],
            (settings, cancellation) => Task.Run(() => Invariants(settings, cancellation), cancellation)),
    ];

    private static IEnumerable<(string Name, Expr Residual)> Operators()
    {
        var x = TailWidth * Expr.Random(RandomLaw.Normal, s_positionStream, GaussianEvolutions.Dimension);
        var t = Expr.Random(RandomLaw.Uniform, s_timeStream);
        var (bridge, transport, reversal, annealing) =
            (GaussianEvolutions.Bridge, GaussianEvolutions.Transport, GaussianEvolutions.Reversal, GaussianEvolutions.Annealing);
        var (noise, d) = (GaussianEvolutions.Noise, GaussianEvolutions.Dimension);
        var velocity = new FormulaField(d, annealing.Drift);
        var slope = annealing.LogNormaliserSlope(t) + GaussianEvolutions.LogZ;
        var mixture = new MixtureTimeReversal([0.3, 0.2, 0.5], [[2, 0], [-1, 2], [-1, -1.5]], [0.5, 0.8, 1.2], reversal.Noise);
        var drift = TransportFields.FokkerPlanckDrift(velocity, annealing.LogDensity, _ => noise);
        yield return ("log Fokker-Planck", LogDensityResiduals.FokkerPlanck(bridge.LogDensity, new FormulaField(d, bridge.Drift), noise, x, t));
        yield return ("log continuity", LogDensityResiduals.Continuity(transport.LogDensity, new FormulaField(d, transport.Drift), x, t));
        yield return ("annealing with c", ContinuityResidual.Exact(GaussianEvolutions.Path, velocity, slope, x, t));
        yield return ("time reversal of a mixture",
            LogDensityResiduals.TimeReversal(mixture.LogDensity, reversal.Noise.Drift, reversal.Noise.Diffusion(t), x, t));
        yield return ("Hamilton-Jacobi-Bellman", LogDensityResiduals.HamiltonJacobiBellman(bridge.Potential, null, noise, x, t));
        yield return ("Hamilton-Jacobi", LogDensityResiduals.HamiltonJacobi(transport.Potential, x, t));
        yield return ("Fokker-Planck drift of the annealing", LogDensityResiduals.FokkerPlanck(annealing.LogDensity, drift, noise, x, t));
        yield return (
            "probability flow of the bridge",
            LogDensityResiduals.Continuity(
                bridge.LogDensity, TransportFields.ProbabilityFlow(new FormulaField(d, bridge.Drift), bridge.LogDensity, _ => noise), x, t));
    }

    private static double Largest(Expr residual, ExperimentSettings settings)
    {
        using var run = new CompiledProgram<double>(new TracedProgram(null, ("residual", residual)), settings.Execution);
        run["residual"] = new NdArray<double>(Points);
        run.Run(Points, new DrawKey(settings.Seed));
        return Measurements.LargestMagnitude(run["residual"].Span);
    }

    private static IReadOnlyList<double> TrainByAdam(ExperimentSettings settings, CancellationToken cancellation)
    {
        var (values, worstLogZ) = (new List<double>(), 0.0);
        foreach (var (name, isUnique, build) in GaussianEvolutions.Losses)
        {
            var model = build(GaussianTraining.AdamWidth);
            var (parameters, secondsPerStep) = GaussianTraining.Adam(model, GaussianTraining.AdamSteps, settings, cancellation);
            var score = GaussianTraining.Score(model, parameters, settings);
            worstLogZ = double.IsNaN(score.LogZError) ? worstLogZ : Math.Max(worstLogZ, score.LogZError);
            var note = string.Create(CultureInfo.InvariantCulture,
                $"{name}: {GaussianTraining.AdamSteps} steps of Adam in {secondsPerStep * GaussianTraining.AdamSteps:F1} s, residual RMS "
                + $"{score.ResidualRms:E1}{LogZ(score)}");
            if (isUnique)
            {
                values.Add(score.DriftError);
                settings.Remark($"{note}, drift error {score.DriftError:E1}");
            }
            else
            {
                var law = GaussianTraining.Carry(model, parameters, settings);
                values.Add(law.MomentError);
                settings.Remark(
                    $"{note}, moments {law.MomentError:E1}, ESS {law.EffectiveSampleSize:F4}, log Z of the weights off by "
                    + $"{Math.Abs(law.LogZ - GaussianEvolutions.LogZ):E1}");
            }
        }

        values.Add(worstLogZ);
        return values;
    }

    private static string LogZ(GaussianScore score) =>
        double.IsNaN(score.LogZError) ? "" : FormattableString.Invariant($", error of log Z {score.LogZError:E1}");

    private static IReadOnlyList<double> TrainByGaussNewton(ExperimentSettings settings, CancellationToken cancellation)
    {
        var (values, smallestRatio) = (new List<double>(), double.PositiveInfinity);
        foreach (var (name, _, build) in GaussianEvolutions.Losses.Where(l => l.IsUnique))
        {
            var model = build(GaussianTraining.NewtonWidth);
            var (parameters, seconds, steps, adamSeconds) = GaussianTraining.GaussNewton(model, settings, cancellation);
            var score = GaussianTraining.Score(model, parameters, settings);
            var adamSteps = Math.Max(1, (int)(seconds / adamSeconds));
            var (alone, _) = GaussianTraining.Adam(model, adamSteps, settings, cancellation);
            var beside = GaussianTraining.Score(model, alone, settings);
            smallestRatio = Math.Min(smallestRatio, beside.DriftError / score.DriftError);
            values.AddRange([score.ResidualRms, score.DriftError]);
            settings.Remark(
                $"{name}: {seconds:F1} s; Gauss-Newton ({steps} steps) RMS {score.ResidualRms:E1}, drift {score.DriftError:E1}{LogZ(score)}; Adam ({adamSteps} "
                + $"steps) RMS {beside.ResidualRms:E1}, drift {beside.DriftError:E1}{LogZ(beside)}");
        }

        values.Add(smallestRatio);
        return values;
    }

    private static IReadOnlyList<double> Invariants(ExperimentSettings settings, CancellationToken cancellation)
    {
        var annealing = GaussianEvolutions.Losses[0].Build(GaussianTraining.AdamWidth);
        var (parameters, _) = GaussianTraining.Adam(annealing, GaussianTraining.AdamSteps, settings, cancellation);
        using var integral = new CompiledProgram<double>(
            new TracedProgram(annealing.Parameters, ("c", annealing.Slope!(Expr.Input("t")).BatchSum() / Points)), settings.Execution);
        integral.Parameters = parameters;
        integral["t"] = NdArray<double>.From(Measurements.Midpoints(Points), Points);
        integral.Run(Points);
        var carried = GaussianTraining.Carry(annealing, parameters, settings);

        var bridge = GaussianEvolutions.Losses[3].Build(GaussianTraining.AdamWidth);
        (parameters, _) = GaussianTraining.Adam(bridge, GaussianTraining.AdamSteps, settings, cancellation);
        var flow = bridge with { Field = TransportFields.ProbabilityFlow(bridge.Field, bridge.LogDensity!.LogDensity, _ => GaussianEvolutions.Noise) };
        return
        [
            NormalisationError(bridge, parameters, settings),
            Math.Abs(integral["c"][0] - carried.LogZ),
            GaussianTraining.Carry(flow, parameters, settings).MomentError,
            GaussianTraining.StochasticMomentError(bridge, flow.Field, parameters, settings),
        ];
    }

    /// <summary>The largest |int exp V(x, t) dx - 1| over eleven times, by the trapezoidal rule on the moving box of five standard deviations.</summary>
    private static double NormalisationError(GaussianModel model, NdArray<double> parameters, ExperimentSettings settings)
    {
        const int side = 101;
        const double halfWidth = 5;
        var (z, t) = (Expr.Input("z", 2), Expr.Shared("t"));
        var width = halfWidth * GaussianEvolutions.Bridge.Variance(t).Sqrt();
        var x = GaussianEvolutions.Bridge.Mean(t) + (width * z);
        var mass = (model.LogDensity!.LogDensity(x, t).Exp() * (2 * width / (side - 1)).Square()).BatchSum();
        using var run = new CompiledProgram<double>(new TracedProgram(model.Parameters, ("mass", mass)), settings.Execution);
        run.Parameters = parameters;
        run["z"] = new NdArray<double>(side * side, 2);
        for (var i = 0; i < side * side; i++)
        {
            run["z"][2 * i] = (2.0 * (i / side) / (side - 1)) - 1;
            run["z"][(2 * i) + 1] = (2.0 * (i % side) / (side - 1)) - 1;
        }

        var largest = 0.0;
        for (var k = 0; k <= 10; k++)
        {
            run["t"][0] = k / 10.0;
            run.Run(side * side);
            largest = Math.Max(largest, Math.Abs(run["mass"][0] - 1));
        }

        return largest;
    }
}
