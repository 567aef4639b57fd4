using System.Globalization;

namespace Monge.Dynamics;

/// <summary>
/// The numbers of one step of a discrete-time controlled process on R^d and of the kernel that its path is weighed against:
/// <code>
/// F(x' | x) = N(x'; A x + E s(x, t) + C u(x, t), D^2 I)
/// B(x | x') = N(x; a x' + e s(x', t') + c v(x', t'), D_b^2 I)
/// </code>
/// with the controls u and v, the score s of a path of densities, and t' the end of the step.
/// </summary>
/// <param name="Time">t.</param>
/// <param name="NextTime">t'.</param>
/// <param name="Volatility">What a control multiplies scores by at t: the square root of the diffusion's rate.</param>
/// <param name="NextVolatility">The same at t'.</param>
/// <param name="ForwardFactor">A.</param>
/// <param name="ForwardScore">E.</param>
/// <param name="ForwardControl">C.</param>
/// <param name="ForwardDeviation">D, above 0.</param>
/// <param name="BackwardFactor">a.</param>
/// <param name="BackwardScore">e.</param>
/// <param name="BackwardControl">c.</param>
/// <param name="BackwardPrecision">1 / D_b^2; 0 for a backward kernel that leads to the point from which all paths start.</param>
public readonly record struct KernelStep(
    double Time,
    double NextTime,
    double Volatility,
    double NextVolatility,
    double ForwardFactor,
    double ForwardScore,
    double ForwardControl,
    double ForwardDeviation,
    double BackwardFactor,
    double BackwardScore,
    double BackwardControl,
    double BackwardPrecision)
{
    /// <summary>D_b; 0 for a backward kernel that leads to the point from which all paths start.</summary>
    public double BackwardDeviation => BackwardPrecision > 0 ? 1 / Math.Sqrt(BackwardPrecision) : 0;
}

/// <summary>Where the paths of a <see cref="KernelSchedule"/> start.</summary>
public enum PathStart
{
    /// <summary>At N(0, I).</summary>
    StandardNormal,

    /// <summary>All at 0.</summary>
    Origin,

    /// <summary>At rows that the caller gives, with their log p0 if it is known (else the weights lack it).</summary>
    Given,
}

/// <summary>
/// Forward and backward kernels of the trajectory-based samplers on t from 0 to 1. Along a path drawn by the forward kernels
/// <code>
/// log w = log rho(x_K) - log p0(x_0) + sum_k [log B_k(x_k | x_{k+1}) - log F_k(x_{k+1} | x_k)]                     (1)
/// </code>
/// has E[w] = Z for any control, any step size and any backward kernels. The published samplers differ only in these numbers; their
/// Radon-Nikodym functional (rnd) is the limit of -log w for small steps.
/// </summary>
public sealed class KernelSchedule
{
    /// <summary>Makes a schedule of any steps.</summary>
    /// <param name="steps">The steps, at least one, in the order of time; each begins where the one before ended.</param>
    /// <param name="start">Where paths start.</param>
    /// <exception cref="ArgumentException">There is no step, two don't join, or a deviation is not above 0.</exception>
    public KernelSchedule(IReadOnlyList<KernelStep> steps, PathStart start)
    {
        (Steps, Start) = (steps, start);
        for (var k = 0; k < steps.Count; k++)
        {
            if (k > 0 && steps[k].Time != steps[k - 1].NextTime)
            {
                throw new ArgumentException(FormattableString.Invariant(
                    $"Step {k} begins at {steps[k].Time}, but the one before ends at {steps[k - 1].NextTime}."), nameof(steps));
            }

            var (deviation, precision) = (steps[k].ForwardDeviation, steps[k].BackwardPrecision);
            if (!(deviation > 0) || !(precision >= 0))
            {
                throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                    $"Step {k} has the forward deviation {deviation}, which must be above 0, and the backward precision {precision}, which must be at least "
                    + $"0."), nameof(steps));
            }

            // log of (D / D_b), or of (2 pi D^2)^(1/2) where the backward kernel is a point mass that cancels with the start's.
            LogConstantPerCoordinate += Math.Log(deviation) + (0.5 * Math.Log(precision > 0 ? precision : 2 * Math.PI));
        }

        var times = new TimeGrid([.. steps.Select(s => s.Time), .. steps.TakeLast(1).Select(s => s.NextTime)]);
        Grid = s_series.Aggregate(times, (grid, series) => grid.With(series.Name, [.. steps.Select(series.Value)]));
    }

    /// <summary>The steps, in the order of time.</summary>
    public IReadOnlyList<KernelStep> Steps { get; }

    /// <summary>Number of steps K.</summary>
    public int Count => Steps.Count;

    /// <summary>Where paths start.</summary>
    public PathStart Start { get; }

    /// <summary>Whether all paths start at 0, and there is no log p0 in (1).</summary>
    public bool StartsAtOrigin => Start == PathStart.Origin;

    /// <summary>The steps as a grid, with a series for each number of <see cref="KernelStep"/>.</summary>
    public TimeGrid Grid { get; }

    /// <summary>The part of (1) that no path depends on, divided by d: the kernels' normalisers.</summary>
    public double LogConstantPerCoordinate { get; }

    /// <summary>
    /// Path integral sampler (arXiv:2111.15141): Brownian motion from 0 with X_1 ~ N(0, variance I) without control, dX = sigma u dt + sigma dW. The backward
    /// kernels are Brownian bridges to 0, so that the sum in (1) is that of -sigma-scaled controls: rnd = log N(X_T; 0, sigma^2 T I) - log rho(X_T) + int |u|^2
    /// / 2 dt + int u dW. The paper's X_0 = 0, sigma = sqrt(0.2), T = 5 is variance = 1; its u is ours divided by sqrt(T).
    /// </summary>
    /// <param name="count">Steps K.</param>
    /// <param name="variance">sigma^2 T, above 0.</param>
    public static KernelSchedule PinnedBrownian(int count, double variance)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(variance);
        var volatility = Math.Sqrt(variance);
        return Make(count, PathStart.Origin, (t, next) => new KernelStep(
            t, next, volatility, volatility, 1, 0, volatility * (next - t), Math.Sqrt(variance * (next - t)),
            t / next, 0, 0, t > 0 ? next / (variance * t * (next - t)) : 0));
    }

    /// <summary>
    /// Time-reversed diffusion sampler (DIS, arXiv:2211.01364): the noising dY = -beta/2 Y ds + sqrt(beta) dW, beta linear in s from <paramref name="least"/>
    /// to <paramref name="greatest"/>, is run backward in t = 1 - s from N(0, I): dX = (beta/2 X + sqrt(beta) u) dt + sqrt(beta) dW, by Euler-Maruyama both
    /// ways with beta at the middle of the step. rnd = log p0(X_0) - log rho(X_T) + int (|u|^2 / 2 - div f) dt + int u dW with f = beta/2 x. The general bridge
    /// (GBS, arXiv:2307.01198) is the same with a learned control v of the backward kernels; v = 0 is DIS.
    /// </summary>
    /// <param name="count">Steps K.</param>
    /// <param name="least">beta at the target's end, above 0.</param>
    /// <param name="greatest">beta at the base's end.</param>
    public static KernelSchedule VariancePreserving(int count, double least, double greatest)
    {
        CheckRates(least, greatest);
        double Rate(double t) => least + ((greatest - least) * (1 - t));
        return Make(count, PathStart.StandardNormal, (t, next) =>
        {
            var h = next - t;
            var rate = Rate(0.5 * (t + next));
            var volatility = Math.Sqrt(rate);
            return new KernelStep(
                t, next, Math.Sqrt(Rate(t)), Math.Sqrt(Rate(next)), 1 + (0.5 * rate * h), 0, volatility * h, volatility * Math.Sqrt(h),
                1 - (0.5 * rate * h), 0, volatility * h, 1 / (rate * h));
        });
    }

    /// <summary>
    /// Denoising diffusion sampler (DDS, arXiv:2302.13834): the reference is the stationary Ornstein-Uhlenbeck process with law N(0, I), taken by its exact
    /// kernels x' = sqrt(1 - b^2) x + b xi (exponential integrator), which are their own reversal; the control adds b^2 u / volatility. b^2 = 1 - exp(-int beta
    /// dt) over the step, with beta as in <see cref="VariancePreserving"/> (the paper's schedule is a squared cosine). rnd as for PIS with this reference and
    /// N(0, I) at the end.
    /// </summary>
    /// <param name="count">Steps K.</param>
    /// <param name="least">beta at the target's end, above 0.</param>
    /// <param name="greatest">beta at the base's end.</param>
    public static KernelSchedule OrnsteinUhlenbeck(int count, double least, double greatest)
    {
        CheckRates(least, greatest);
        double Integral(double t) => (least * t) + ((greatest - least) * (t - (0.5 * t * t)));
        return Make(count, PathStart.StandardNormal, (t, next) =>
        {
            var integral = Integral(next) - Integral(t);
            var variance = -double.ExpM1(-integral);
            var volatility = Math.Sqrt(integral / (next - t));
            var factor = Math.Sqrt(1 - variance);
            return new KernelStep(
                t, next, volatility, volatility, factor, 0, variance / volatility, Math.Sqrt(variance),
                factor, 0, 0, 1 / variance);
        });
    }

    /// <summary>
    /// Controlled Monte Carlo diffusion (CMCD, arXiv:2307.01050): Langevin steps along a path of densities plus a control, dX = (eps s + sigma u) dt + sigma dW
    /// with sigma^2 = 2 eps, against the backward Langevin steps with -u. Its rnd is the work functional with Crooks' fluctuation relation; without control (1)
    /// is annealed importance sampling.
    /// </summary>
    /// <param name="count">Steps K.</param>
    /// <param name="diffusion">eps of the step from t to t', above 0.</param>
    public static KernelSchedule AnnealedLangevin(int count, Func<double, double, double> diffusion) => Make(count, PathStart.StandardNormal, (t, next) =>
    {
        var h = next - t;
        var eps = diffusion(t, next);
        var volatility = Math.Sqrt(2 * eps);
        return new KernelStep(
            t, next, volatility, volatility, 1, eps * h, volatility * h, volatility * Math.Sqrt(h),
            1, eps * h, volatility * h, 1 / (2 * eps * h));
    });

    private static readonly (string Name, Func<KernelStep, double> Value)[] s_series =
    [
        (nameof(KernelStep.Volatility), static s => s.Volatility),
        (nameof(KernelStep.NextVolatility), static s => s.NextVolatility),
        (nameof(KernelStep.ForwardFactor), static s => s.ForwardFactor),
        (nameof(KernelStep.ForwardScore), static s => s.ForwardScore),
        (nameof(KernelStep.ForwardControl), static s => s.ForwardControl),
        (nameof(KernelStep.ForwardDeviation), static s => s.ForwardDeviation),
        (nameof(KernelStep.BackwardFactor), static s => s.BackwardFactor),
        (nameof(KernelStep.BackwardScore), static s => s.BackwardScore),
        (nameof(KernelStep.BackwardControl), static s => s.BackwardControl),
        (nameof(KernelStep.BackwardPrecision), static s => s.BackwardPrecision),
        (nameof(KernelStep.BackwardDeviation), static s => s.BackwardDeviation),
    ];

    private static KernelSchedule Make(int count, PathStart start, Func<double, double, KernelStep> step)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        return new KernelSchedule([.. Enumerable.Range(0, count).Select(k => step((double)k / count, (double)(k + 1) / count))], start);
    }

    private static void CheckRates(double least, double greatest)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(least);
        ArgumentOutOfRangeException.ThrowIfLessThan(greatest, least);
    }
}
