using Monge.Paths;

namespace Monge.References;

/// <summary>The overlaps of a flow learned from few samples (arXiv:2310.03575).</summary>
/// <param name="Mean">R, the share of the true mean in the generated one.</param>
/// <param name="Base">Q_xi: the generated mean holds n Q_xi times the mean of the base samples, signs matched.</param>
/// <param name="Data">Q_eta: likewise of the data's noise, times its deviation.</param>
/// <param name="Variance">P, the variance of generated samples in the directions orthogonal to all these.</param>
public readonly record struct LimitedSampleOverlaps(double Mean, double Base, double Data, double Variance);

/// <summary>
/// The exact theory, for d to infinity, of a one-sided flow whose denoiser c x + w sign(w.x) is trained on n samples of the mixture N(+-mu, sigma^2 I), |mu|^2
/// = d, one base sample each (H. Cui, F. Krzakala, E. Vanden-Eijnden, L. Zdeborova, arXiv:2310.03575; the closed form at t = 1 is derived for this library and
/// doesn't depend on the schedule).
/// </summary>
/// <param name="samples">n, at least 2.</param>
/// <param name="deviation">sigma, above 0.</param>
/// <param name="decay">lambda, the weight decay on w; above 0.</param>
public sealed class LimitedSampleTheory(int samples, double deviation, double decay)
{
    /// <summary>A = lambda (1 + sigma^2) + (n - 1) sigma^2.</summary>
    public double DataCoefficient { get; } = (decay * (1 + (deviation * deviation))) + ((samples - 1) * deviation * deviation);

    /// <summary>B = n + lambda - 1.</summary>
    public double BaseCoefficient { get; } = samples + decay - 1;

    /// <summary>The overlaps at t = 1 in closed form: R = n / (n + lambda), Q_eta = 1 / (n + lambda), Q_xi = -sqrt(A / B) / (n + lambda), P = A / B.</summary>
    public LimitedSampleOverlaps ClosedForm()
    {
        var variance = DataCoefficient / BaseCoefficient;
        return new LimitedSampleOverlaps(samples / (samples + decay), -Math.Sqrt(variance) / (samples + decay), 1 / (samples + decay), variance);
    }

    /// <summary>
    /// The squared error of the generated mean over d: (R - 1)^2 + n Q_xi^2 + n sigma^2 Q_eta^2 = (lambda^2 + n (sigma^2 + A/B)) / (n + lambda)^2.
    /// </summary>
    public double MeanError
    {
        get
        {
            var overlaps = ClosedForm();
            return Math.Pow(overlaps.Mean - 1, 2) + (samples * overlaps.Base * overlaps.Base)
                + (samples * deviation * deviation * overlaps.Data * overlaps.Data);
        }
    }

    /// <summary>The same error of the best estimator under the prior mu ~ N(0, I): sigma^2 / (n + sigma^2).</summary>
    public double BayesError => deviation * deviation / (samples + (deviation * deviation));

    /// <summary>The same error of the mean of the samples: sigma^2 / n.</summary>
    public double EmpiricalError => deviation * deviation / samples;

    /// <summary>
    /// Integrates the overlaps' equations dq/dt = G q + forcing by the exponential Euler method with G and the forcing at the middle of each step, where
    /// G = (1/2) d log D / dt and D = beta^2 A + alpha^2 B (alpha the base's scalar, beta the data's).
    /// </summary>
    /// <param name="schedule">The schedule, without a latent variable.</param>
    /// <param name="steps">Equal steps.</param>
    public LimitedSampleOverlaps Integrate(InterpolantSchedule schedule, int steps)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        var middles = schedule.At([.. Enumerable.Range(0, steps).Select(k => (k + 0.5) / steps)]);
        var (mean, start, data, logStretch, h) = (0.0, 0.0, 0.0, 0.0, 1.0 / steps);
        foreach (var v in middles)
        {
            var denominator = (v.Beta * v.Beta * DataCoefficient) + (v.Alpha * v.Alpha * BaseCoefficient);
            var growth = ((v.BetaBetaRate * DataCoefficient) + (v.AlphaAlphaRate * BaseCoefficient)) / denominator;

            // Z = beta' - alpha' beta / alpha multiplies the denoiser; with alpha^2 taken out of each term nothing divides by alpha.
            var wronskian = (v.BetaRate * v.Alpha * v.Alpha) - (v.AlphaAlphaRate * v.Beta);
            var toMean = wronskian * BaseCoefficient / ((samples + decay) * denominator);
            var toBase = -((v.BetaRate * v.Alpha) - (v.AlphaRate * v.Beta)) * v.Beta * DataCoefficient / ((samples + decay) * denominator);
            var (factor, weight) = (Math.Exp(growth * h), Math.Abs(growth * h) < 1e-8 ? h : double.ExpM1(growth * h) / growth);
            mean = (factor * mean) + (weight * samples * toMean);
            data = (factor * data) + (weight * toMean);
            start = (factor * start) + (weight * toBase);
            logStretch += growth * h;
        }

        return new LimitedSampleOverlaps(mean, start, data, Math.Exp(2 * logStretch));
    }
}
