using System.Numerics;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>
/// Looks for parts of the target that weighted draws miss; weights alone can't see them. Two checks, each independent of the trained drift:
/// chains that leave the target invariant start at the draws, and the weighted moments may not change (finds arms that go on beyond the draws);
/// annealed importance sampling from wider bases may not find a larger normaliser (finds separate modes). Neither proves that nothing is missed.
/// </summary>
internal sealed class CoverageCheck<T>(Density target, PinnProblem problem, PinnOptions options, ExecutionOptions execution, ulong seed, CancellationToken cancellation)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int Chains = 2048;
    private const int TuningSteps = 20;
    private const int TuningRounds = 8;
    private const int ChainSteps = 300;
    private const double Acceptance = 0.6;

    // What is reported: a difference of more standard errors than chance and of more standard deviations than a discretised flow's error.
    private const double Errors = 5;
    private const double LeastShift = 0.03;
    private const double LeastLogZ = 0.05;

    // Wide bases have no power in higher dimensions.
    private const int LargestWideDimension = 12;
    private const double Widening = 3;
    private const double FewestEffective = 20;

    /// <summary>Judges draws.</summary>
    /// <param name="positions">Positions z [n, d].</param>
    /// <param name="weights">Their weights.</param>
    public IEnumerable<Status> Judge(NdArray<T> positions, ImportanceWeights weights)
    {
        const string advice = "widen the base (option baseInflation, or base isotropic with a larger baseScale), suggest a base that covers the target, or give better coordinates";
        if (ChainsDrift(positions, weights) is { } drift)
        {
            yield return Status.Warn($"the draws may miss part of the target: {drift}", advice);
        }

        if (WiderBaseFindsMore(positions, weights) is { } more)
        {
            yield return Status.Warn($"the draws may miss part of the target: {more}", advice);
        }
    }

    private string? ChainsDrift(NdArray<T> positions, ImportanceWeights weights)
    {
        var d = target.Dimension;
        var n = Math.Min(Chains, weights.Count);
        var start = new double[n * d];
        double[] share = [.. weights.Normalised.Take(n)];
        var sum = share.Sum();
        if (!(sum > 0))
        {
            return null;
        }

        for (var at = 0; at < start.Length; at++)
        {
            share[at / d] = at % d == 0 ? share[at / d] / sum : share[at / d];
            start[at] = share[at / d] > 0 ? double.CreateChecked(positions[at]) : 0;
        }

        using var chains = new LangevinChains(d, problem.Whitened(target).LogDensity, n, RandomStreams.CheckNoise, RandomStreams.CheckAcceptance, execution);
        var h = 0.5 / problem.Stiffness;
        var taken = 0UL;
        for (var round = 0; round < TuningRounds; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            chains.Start(start);
            var accepted = chains.Advance(TuningSteps, h, new DrawKey(seed, taken));
            h *= Math.Exp(2 * (accepted - Acceptance));
            taken += TuningSteps;
        }

        chains.Start(start);
        chains.Advance(ChainSteps, h, new DrawKey(seed, taken));
        return Drift(start, chains.Positions.Span, share, d);
    }

    // The change of each mean and mean square, paired draw by draw.
    private static string? Drift(double[] start, ReadOnlySpan<double> end, double[] weights, int d)
    {
        var (worst, found) = (0.0, (string?)null);
        var changes = new double[weights.Length];
        for (var j = 0; j < d; j++)
        {
            var (mean, square) = (0.0, 0.0);
            for (var i = 0; i < weights.Length; i++)
            {
                mean += weights[i] * start[(i * d) + j];
                square += weights[i] * start[(i * d) + j] * start[(i * d) + j];
            }

            var deviation = Math.Sqrt(Math.Max(square - (mean * mean), 1e-300));
            foreach (var power in (int[])[1, 2])
            {
                var total = 0.0;
                for (var i = 0; i < weights.Length; i++)
                {
                    var (before, after) = ((start[(i * d) + j] - mean) / deviation, (end[(i * d) + j] - mean) / deviation);
                    changes[i] = power == 1 ? after - before : (after * after) - (before * before);
                    total += weights[i] * changes[i];
                }

                var variance = 0.0;
                for (var i = 0; i < weights.Length; i++)
                {
                    var deviant = weights[i] * (changes[i] - total);
                    variance += deviant * deviant;
                }

                var error = Math.Sqrt(variance);
                if (Math.Abs(total) > Math.Max(LeastShift, Errors * error) && Math.Abs(total) > worst)
                {
                    worst = Math.Abs(total);
                    found = FormattableString.Invariant($"short chains started at them move the {(power == 1 ? "mean" : "mean square")} of coordinate {j} by {total:+0.00;-0.00} +- {error:0.00} in units of the draws' {(power == 1 ? "standard deviation" : "variance")}");
                }
            }
        }

        return found;
    }

    private string? WiderBaseFindsMore(NdArray<T> positions, ImportanceWeights weights)
    {
        if (target.Dimension > LargestWideDimension)
        {
            return null;
        }

        var preparation = new PinnPreparation<T>(target, options, execution, ~seed, cancellation);
        (GaussianBase Base, string Name)[] bases =
        [
            (Spread(positions, weights).Inflate(Widening), FormattableString.Invariant($"a base {Widening:0} times as wide as the draws")),
            (target.Base.ToGaussian(), "the base suggested for the target"),
        ];
        foreach (var (gaussian, name) in bases)
        {
            var (logZ, error, effective) = preparation.Explore(gaussian);
            var uncertainty = Errors * double.Hypot(error, weights.LogNormaliserError);
            if (effective > FewestEffective && logZ - weights.LogNormaliser > Math.Max(LeastLogZ, uncertainty))
            {
                return FormattableString.Invariant($"annealed importance sampling from {name} finds log Z = {logZ:0.00} +- {error:0.00}, the draws {weights.LogNormaliser:0.00} +- {weights.LogNormaliserError:0.00}");
            }
        }

        return null;
    }

    // Independent coordinates with the draws' weighted means and standard deviations.
    private GaussianBase Spread(NdArray<T> positions, ImportanceWeights weights)
    {
        var d = target.Dimension;
        var (mean, square, z, x) = (new double[d], new double[d], new double[d], new double[d]);
        for (var i = 0; i < weights.Count; i++)
        {
            if (weights.Normalised[i] == 0)
            {
                continue;
            }

            for (var j = 0; j < d; j++)
            {
                z[j] = double.CreateChecked(positions[(i * d) + j]);
            }

            problem.ToPosition(z, x);
            for (var j = 0; j < d; j++)
            {
                mean[j] += weights.Normalised[i] * x[j];
                square[j] += weights.Normalised[i] * x[j] * x[j];
            }
        }

        return GaussianBase.Diagonal(mean, [.. mean.Zip(square, (m, s) => Math.Sqrt(Math.Max(s - (m * m), 1e-12)))]);
    }
}
