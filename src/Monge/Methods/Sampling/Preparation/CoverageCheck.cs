using System.Globalization;
using System.Numerics;
using Monge.Diagnostics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Measures;
using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// Looks for parts of the target that weighted draws miss; weights alone can't see them. Two checks, each independent of the trained drift:
/// chains that leave the target invariant start at the draws, and the weighted moments and tails may not change (finds arms that go on beyond the draws);
/// annealed importance sampling from wider and bent bases may not find a larger normaliser (finds separate modes). Neither proves that nothing is missed.
/// </summary>
internal sealed class CoverageCheck<T>(TransportProblem problem, PreparationOptions options, Run run)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    // Fewer and shorter chains in higher dimensions, where a step costs more.
    private const int ManyChains = 4096;
    private const int FewChains = 1024;
    private const int LongChains = 500;
    private const int ShortChains = 200;
    private const int TuningSteps = 20;
    private const int TuningRounds = 8;
    private const double Acceptance = 0.6;

    // What is reported: a difference of more standard errors than chance and of more standard deviations than a discretised flow's error.
    private const double Errors = 5;
    private const double LeastShift = 0.03;
    private const double LeastTailShift = 0.2;
    private const double LeastLogZ = 0.05;

    // What makes draws useless: so many times what is reported.
    private const double GraveErrors = 4;
    private const double GraveShift = 10;
    private const double GraveLogZ = 1;

    private const int LargestSearchDimension = 20;

    // Wide bases have no power in higher dimensions.
    private const int LargestWideDimension = 12;
    private const double Widening = 3;
    private const double BentInflation = 1.3;
    private const double FewestEffective = 20;

    private static readonly double[] s_tails = [0.01, 0.05];

    /// <summary>Evaluations of the target so far.</summary>
    public long TargetCalls { get; private set; }

    /// <summary>Judges draws.</summary>
    /// <param name="positions">Positions z [n, d].</param>
    /// <param name="weights">Their weights.</param>
    public IEnumerable<Status> Judge(NdArray<T> positions, ImportanceWeights weights)
    {
        const string advice = "widen the base (option baseInflation, or base isotropic with a larger baseScale), suggest a base that covers the target, or "
            + "give better coordinates";
        Status Told(Finding finding) => finding.IsGrave
            ? Status.Fail($"the draws miss part of the target: {finding.Text}", advice)
            : Status.Warn($"the draws may miss part of the target: {finding.Text}", advice);
        if (ChainsDrift(positions, weights) is { } drift)
        {
            yield return Told(drift);
        }

        if (ModeWithoutDraws(positions, weights) is { } mode)
        {
            yield return Status.Fail(
                $"the draws miss part of the target: {mode}",
                problem.Start is null ? "take the method pinn or nets with the base automatic, which start from all the modes"
                    : "give --iterations, so that the training doesn't end early, or take the method nets");
        }

        if (WiderBaseFindsMore(positions, weights) is { } more)
        {
            yield return Told(more);
        }
    }

    private sealed record Finding(double Strength, string Text, bool IsGrave);

    private Finding? ChainsDrift(NdArray<T> positions, ImportanceWeights weights)
    {
        var d = problem.Target.Dimension;
        var small = d <= LargestWideDimension;
        var n = Math.Min(small ? ManyChains : FewChains, weights.Count);
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

        using var chains = new LangevinChains(d, problem.Whitened().LogDensity, n, SamplingStreams.CheckNoise, SamplingStreams.CheckAcceptance, run.Execution);
        var h = 0.5 / problem.Stiffness;
        var taken = 0UL;
        for (var round = 0; round < TuningRounds; round++)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            chains.Start(start);
            var accepted = chains.Advance(TuningSteps, h, new DrawKey(run.Seed, taken));
            h *= Math.Exp(2 * (accepted - Acceptance));
            taken += TuningSteps;
        }

        chains.Start(start);
        var values = chains.Values.Span.ToArray();
        chains.Advance(small ? LongChains : ShortChains, h, new DrawKey(run.Seed, taken));
        TargetCalls += chains.TargetCalls;
        return Drift(start, values, chains.Positions.Span, chains.Values.Span, share, d);
    }

    // The change of each mean, mean square and tail share and of the mean log density, paired draw by draw.
    private static Finding? Drift(double[] start, double[] startValues, ReadOnlySpan<double> end, ReadOnlySpan<double> endValues, double[] weights, int d)
    {
        var found = new List<Finding>();
        var (before, after) = (new double[weights.Length], new double[weights.Length]);
        for (var j = 0; j <= d; j++)
        {
            for (var i = 0; i < weights.Length; i++)
            {
                (before[i], after[i]) = j < d ? (start[(i * d) + j], end[(i * d) + j]) : (startValues[i], endValues[i]);
            }

            var (mean, deviation) = MeanAndDeviation(before, weights);
            var name = j < d ? $"coordinate {j}" : "the log density";
            void Compare(string what, Func<double, double> function, double least)
            {
                var (shift, error) = Change(before, after, weights, function);
                if (Math.Abs(shift) > Math.Max(least, Errors * error))
                {
                    found.Add(new Finding(
                        Math.Abs(shift) / least,
                        FormattableString.Invariant($"short chains started at them change {what} of {name} by {shift:+0.000;-0.000} +- {error:0.000}"),
                        Math.Abs(shift) > Math.Max(GraveShift * least, GraveErrors * Errors * error)));
                }
            }

            Compare("the mean (in standard deviations)", v => (v - mean) / deviation, LeastShift);
            Compare("the variance (relatively)", v => Math.Pow((v - mean) / deviation, 2), LeastShift);
            foreach (var tail in s_tails)
            {
                var quantiles = MomentTable.Quantiles(before, weights, tail, 1 - tail);
                Compare(FormattableString.Invariant($"the lower {tail:P0} tail"), v => v < quantiles[0] ? 1 : 0, LeastTailShift * tail);
                Compare(FormattableString.Invariant($"the upper {tail:P0} tail"), v => v > quantiles[1] ? 1 : 0, LeastTailShift * tail);
            }
        }

        return found.MaxBy(f => (f.IsGrave, f.Strength));
    }

    private static (double Mean, double Deviation) MeanAndDeviation(double[] values, double[] weights)
    {
        var (mean, square) = (0.0, 0.0);
        for (var i = 0; i < weights.Length; i++)
        {
            mean += weights[i] * values[i];
        }

        for (var i = 0; i < weights.Length; i++)
        {
            square += weights[i] * (values[i] - mean) * (values[i] - mean);
        }

        return (mean, Math.Max(Math.Sqrt(square), 1e-150));
    }

    private static (double Shift, double Error) Change(double[] before, double[] after, double[] weights, Func<double, double> function)
    {
        var changes = new double[weights.Length];
        var (shift, variance) = (0.0, 0.0);
        for (var i = 0; i < weights.Length; i++)
        {
            changes[i] = weights[i] > 0 ? function(after[i]) - function(before[i]) : 0;
            shift += weights[i] * changes[i];
        }

        for (var i = 0; i < weights.Length; i++)
        {
            variance += Math.Pow(weights[i] * (changes[i] - shift), 2);
        }

        return (shift, Math.Sqrt(variance));
    }

    // A mode of the search that should have a good part of all draws, by the mass about it, and has hardly any about it.
    private string? ModeWithoutDraws(NdArray<T> positions, ImportanceWeights weights)
    {
        var (target, suggestion) = (problem.Target, problem.Target.Base);
        var known = target.Facts.Modes is not null || target.Dimension > LargestSearchDimension;
        if ((suggestion.Modes ?? (known ? null : ModeSearch.Find(target, suggestion.Center, suggestion.Scale, run.Cancellation))) is not { } found)
        {
            return null;
        }

        return found.Lost(problem.ToPositions(positions), weights.Normalised, weights.LogNormaliser) is { } lost
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"a search found {found}, and about the mode whose Gaussian would hold {lost.Share:P0} of the mass lies {lost.Found:P1} of the weight")
            : null;
    }

    private Finding? WiderBaseFindsMore(NdArray<T> positions, ImportanceWeights weights)
    {
        if (problem.Target.Dimension > LargestWideDimension)
        {
            return null;
        }

        var preparation = new TransportPreparation<T>(problem.Target, options, new PreparationRun(run with { Seed = ~run.Seed, Progress = null }));
        var found = FindMore(preparation, positions, weights);
        TargetCalls += preparation.TargetCalls;
        return found;
    }

    private Finding? FindMore(TransportPreparation<T> preparation, NdArray<T> positions, ImportanceWeights weights)
    {
        if (BentSpread(positions, weights) is { } bent && Finds(preparation.Explore(bent), "a base bent along the draws") is { } along)
        {
            return along;
        }

        return Finds(
            preparation.Explore(Spread(positions, weights).Inflate(Widening)), FormattableString.Invariant($"a base {Widening:0} times as wide as the draws"))
            ?? Finds(preparation.Explore(problem.Target.Base.ToGaussian()), "the base suggested for the target");

        Finding? Finds((double LogZ, double LogZError, double EffectiveSamples) found, string name)
        {
            var (more, uncertainty) = (found.LogZ - weights.LogNormaliser, Errors * double.Hypot(found.LogZError, weights.LogNormaliserError));
            if (found.EffectiveSamples <= FewestEffective || more <= Math.Max(LeastLogZ, uncertainty))
            {
                return null;
            }

            var text = string.Create(
                CultureInfo.InvariantCulture, $"annealed importance sampling from {name} finds log Z = {found.LogZ:0.00} +- {found.LogZError:0.00}, the "
                + $"draws {weights.LogNormaliser:0.00} +- {weights.LogNormaliserError:0.00}");
            return new Finding(more, text, more > Math.Max(GraveLogZ, GraveErrors * uncertainty));
        }
    }

    // Coordinates bent along the draws go on where the draws end.
    private TransportProblem? BentSpread(NdArray<T> positions, ImportanceWeights weights)
    {
        var d = problem.Target.Dimension;
        var z = new double[weights.Count * d];
        for (var at = 0; at < z.Length; at++)
        {
            z[at] = weights.Normalised[at / d] > 0 ? double.CreateChecked(positions[at]) : 0;
        }

        return BaseFit.Bend(problem, z, [.. weights.Normalised], BentInflation) is { } bend
            ? problem with { Start = null, Bend = bend, Offset = 0, TargetExponent = 1, BaseExponent = 1 }
            : null;
    }

    // Independent coordinates with the draws' weighted means and standard deviations.
    private GaussianBase Spread(NdArray<T> positions, ImportanceWeights weights)
    {
        var d = problem.Target.Dimension;
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
