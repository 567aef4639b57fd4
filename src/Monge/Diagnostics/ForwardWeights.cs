using System.Globalization;

namespace Monge.Diagnostics;

/// <summary>
/// What the log-weights of paths say that begin at exact samples of the target and run back to the base: an upper bound of log Z, and an effective sample size
/// that falls where the sampler misses what the target holds. (Of the sampler's own draws, the reverse ones, no number can show what they miss.)
/// </summary>
/// <remarks> With w = rho(X) times the density of the way back, divided by the density of the way there, of a path drawn backward from the target: the EUBO is
/// E_p[log w] = log Z + KL(target's paths || sampler's paths), and 1 / E_p[w / Z] is what the sampler's own effective sample size tends to with infinitely many
/// draws. Source: D. Blessing and others, "Beyond ELBOs" (arXiv:2406.07423), section 3.
/// </remarks>
/// <param name="Count">Number n of exact samples.</param>
/// <param name="Eubo">Mean log-weight; plus infinity if a path was lost.</param>
/// <param name="EuboError">Standard error of <paramref name="Eubo"/>.</param>
/// <param name="EffectiveSampleFraction">1 / mean(w / Z), the forward effective sample size as a fraction, between 0 and 1.</param>
/// <param name="EffectiveSampleFractionError">Its standard error by the delta method; with heavy-tailed weights an underestimate.</param>
public sealed record ForwardWeights(int Count, double Eubo, double EuboError, double EffectiveSampleFraction, double EffectiveSampleFractionError)
{
    private const double SuspiciousShare = 0.3;
    private const double SuspiciousGap = 3;
    private const double HiddenRatio = 1000;
    private const double MissedShare = 0.01;

    /// <summary>
    /// Share of the exact samples at which the sampler has less than a thousandth of the target's density, so that a usual number of draws never comes there;
    /// lost paths are counted as such.
    /// </summary>
    public double HiddenShare { get; init; }

    /// <summary>Judges log-weights of exact samples.</summary>
    /// <param name="logWeights">n log-weights, at least 2; plus infinity, minus infinity or NaN stands for a path that was lost on its way back.</param>
    /// <param name="logZ">log Z, exact or the best estimate.</param>
    /// <exception cref="ArgumentException">There are fewer than 2 log-weights, or log Z is not finite.</exception>
    public static ForwardWeights FromLogWeights(ReadOnlySpan<double> logWeights, double logZ)
    {
        var n = logWeights.Length;
        if (n < 2 || !double.IsFinite(logZ))
        {
            throw new ArgumentException(n < 2 ? "The upper bound needs at least 2 log-weights of exact samples." : $"log Z is {logZ}; it must be finite.", n < 2
                ? nameof(logWeights) : nameof(logZ));
        }

        var (hidden, isLost) = (0, false);
        foreach (var value in logWeights)
        {
            isLost |= !double.IsFinite(value);
            hidden += value - logZ <= Math.Log(HiddenRatio) && double.IsFinite(value) ? 0 : 1;
        }

        var share = (double)hidden / n;
        if (isLost)
        {
            return new ForwardWeights(n, double.PositiveInfinity, double.PositiveInfinity, 0, 0) { HiddenShare = share };
        }

        var (mean, error) = MeanAndError(logWeights);
        var shift = double.NegativeInfinity;
        foreach (var value in logWeights)
        {
            shift = Math.Max(shift, value);
        }

        var scaled = new double[n];
        for (var i = 0; i < n; i++)
        {
            scaled[i] = Math.Exp(logWeights[i] - shift);
        }

        var (weight, weightError) = MeanAndError(scaled);
        var fraction = Math.Exp(logZ - shift - Math.Log(weight));
        return new ForwardWeights(n, mean, error, Math.Min(1, fraction), fraction * weightError / weight) { HiddenShare = share };
    }

    /// <summary>A warning if exact samples carry weights that the sampler's own draws don't show; empty otherwise.</summary>
    /// <param name="draws">The weights of the sampler's own draws.</param>
    public IEnumerable<Status> Judge(ImportanceWeights draws)
    {
        ArgumentNullException.ThrowIfNull(draws);
        if (EffectiveSampleFraction < SuspiciousShare * draws.EffectiveSampleFraction
            || Eubo - draws.LogNormaliser > SuspiciousGap * Math.Max(1, draws.LogNormaliser - draws.Elbo))
        {
            var bound = double.IsFinite(Eubo) ? FormattableString.Invariant($"{Eubo:0.00}") : "infinite";
            var figures = string.Create(
                CultureInfo.InvariantCulture,
                $"exact samples carried back to the base have the forward ESS {EffectiveSampleFraction:P1} (that of the draws is "
                + $"{draws.EffectiveSampleFraction:P1}) and the upper bound of log Z is {bound} (the draws say {draws.LogNormaliser:0.00})");
            // A few exact samples far out in a heavy tail decide both figures, though hardly any mass lies there.
            yield return HiddenShare > MissedShare
                ? Status.Warn(
                    string.Create(CultureInfo.InvariantCulture, $"the draws miss part of the target, {HiddenShare:P0} of its mass: {figures}"),
                    "widen the base (option baseInflation, or base isotropic with a larger baseScale), train longer, or raise the diffusion")
                : Status.Warn(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"the draws are thin in places that hold little of the target ({HiddenShare:P1} of its mass is out of reach, the far tails as a rule): "
                        + $"{figures}"),
                    "don't trust extremes and high moments, or widen the base (option baseInflation)");
        }
    }

    /// <summary>The mean of independent values and its standard error.</summary>
    internal static (double Mean, double Error) MeanAndError(ReadOnlySpan<double> values)
    {
        var (mean, square) = (0.0, 0.0);
        foreach (var value in values)
        {
            mean += value / values.Length;
        }

        foreach (var value in values)
        {
            square += (value - mean) * (value - mean);
        }

        return (mean, Math.Sqrt(square / (values.Length - 1) / values.Length));
    }
}
