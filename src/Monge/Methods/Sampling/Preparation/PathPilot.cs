using System.Globalization;
using System.Numerics;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Paths;

namespace Monge.Methods;

/// <summary>
/// Measures a given path by annealed importance sampling along it, that is a sampler before any training: how far positions reach, the mean curvature at
/// times between 0 and 1, and a first estimate of log Z. The diffusion of each stretch follows the curvature measured at its begin.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
internal static class PathPilot<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int Particles = 1024;
    private const int Stretches = 32;
    private const int StepsPerStretch = 8;
    private const double LangevinStep = 0.1;
    private const int CurvatureDegree = 4;

    public static TransportProblem Measure(Density target, IDensityPath path, PreparationRun run)
    {
        var d = path.Dimension;
        using var sde = TransportSde.Forward<T>(
            path, null, null, SdeScheme.EulerMaruyama, Particles, SamplingStreams.PilotStart, SamplingStreams.PilotNoise, run.Execution);
        var plain = Plain(target, 1, 0, 1, new double[d], "");
        using var evaluation = new TargetEvaluation(plain, run.Execution);
        using var start = new PathEvaluation(path, run.Execution);
        sde.Start(null, Particles, new DrawKey(run.Seed));
        var logBase = start.At(sde.Positions, Particles, 0);
        var curvatures = new double[Stretches + 1];
        curvatures[0] = MeanSquare(sde["score"]);
        var reach = MeanSquare(sde.Positions);
        for (var s = 0; s < Stretches; s++)
        {
            run.Report("annealed importance sampling along the path", s, Stretches);
            var total = Stretches * StepsPerStretch;
            var diffusion = LangevinStep * total / curvatures[s];
            sde.Advance(null, Particles, new TimeGrid(s * StepsPerStretch, StepsPerStretch, total, (_, _) => diffusion),
                new DrawKey(run.Seed, (ulong)(s * StepsPerStretch)));
            curvatures[s + 1] = MeanSquare(sde["score"]);
            reach = Math.Max(reach, MeanSquare(sde.Positions));
        }

        var scale = Math.Sqrt(reach);
        var logWeights = WeightedParticles.LogWeights(evaluation.At(sde.Positions, Particles).LogTarget, logBase, sde["gain"]);
        if (!double.IsFinite(scale) || !curvatures.All(double.IsFinite) || logWeights.All(double.IsNegativeInfinity))
        {
            throw new ArithmeticException(
                $"Annealed importance sampling along the given path to '{target.Name}' lost its particles; check the path's log density and its base draws.");
        }

        var weights = ImportanceWeights.FromLogWeights(logWeights);
        var logCurvature = FitPolynomial([.. curvatures.Select(c => Math.Log(Math.Max(c * reach, 1e-6)))]);
        var source = string.Create(
            CultureInfo.InvariantCulture, $"given path{(path is FormulaPath formula ? $" ({formula.Description})" : "")}; annealed importance sampling along "
            + $"it found ESS {weights.EffectiveSampleFraction:P1}");
        var box = new double[d];
        for (var i = 0; i < Particles; i++)
        {
            var row = sde.Positions.Row(i);
            for (var j = 0; j < d; j++)
            {
                box[j] = double.IsFinite(logWeights[i]) ? Math.Max(box[j], Math.Abs(double.CreateChecked(row[j])) / scale) : box[j];
            }
        }

        var problem = Plain(target, scale, weights.LogNormaliser, curvatures[^1] * reach, [.. box.Select(b => Math.Max(1, 1.1 * b))], source);
        return problem with { PreparationCalls = sde.TargetCalls + evaluation.TargetCalls, LogCurvature = logCurvature };
    }

    private static TransportProblem Plain(Density target, double scale, double offset, double stiffness, double[] box, string source) => new()
    {
        Target = target,
        Base = GaussianBase.Isotropic(target.Dimension, scale),
        Offset = offset,
        TargetExponent = 1,
        BaseExponent = 1,
        Stiffness = stiffness,
        TargetBox = box,
        Source = source,
    };

    private static double MeanSquare(Engine.Arrays.NdArray<T> values)
    {
        var (sum, count) = (0.0, 0);
        foreach (var value in values.Span)
        {
            var wide = double.CreateChecked(value);
            if (double.IsFinite(wide))
            {
                sum += wide * wide;
                count++;
            }
        }

        return sum / Math.Max(1, count);
    }

    private static double[] FitPolynomial(double[] values)
    {
        double[] times = [.. Enumerable.Range(0, values.Length).Select(k => (double)k / (values.Length - 1))];
        return HostFunctions.FitPolynomial(times, values, CurvatureDegree);
    }
}
