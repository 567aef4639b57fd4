using Monge.Engine.Programs;

namespace Monge.Paths;

/// <summary>
/// The scale gamma(t) of an interpolant's latent variable, with gamma dgamma/dt in closed form (arXiv:2303.08797, section 4 and the authors' repository).
/// </summary>
/// <param name="Name">Its name.</param>
/// <param name="Gamma">gamma(t).</param>
/// <param name="GammaGammaRate">gamma dgamma/dt.</param>
public sealed record LatentScale(string Name, Func<Expr, Expr> Gamma, Func<Expr, Expr> GammaGammaRate)
{
    /// <summary>sqrt(a t (1 - t)), that of a Brownian bridge: gamma dgamma/dt doesn't vanish at the ends, so the velocity carries the scores of both.</summary>
    /// <param name="a">a, above 0.</param>
    public static LatentScale Brownian(double a = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(a);
        return new LatentScale(
            a == 1 ? "brownian" : FormattableString.Invariant($"brownian:{a:R}"), t => (a * t * (1 - t)).Sqrt(), t => 0.5 * a * (1 - (2 * t)));
    }

    /// <summary>t (1 - t).</summary>
    public static LatentScale Quadratic { get; } = new("quadratic", t => t * (1 - t), t => t * (1 - t) * (1 - (2 * t)));

    /// <summary>sin(pi t)^2.</summary>
    public static LatentScale SineSquared { get; } =
        new("sine-squared", t => (Math.PI * t).Sin().Square(), t => Math.PI * (Math.PI * t).Sin().Square() * (2 * Math.PI * t).Sin());

    /// <summary>A bump made of sigmoids, sig(f (t - 1/2) + 1) - sig(f (t - 1/2) - 1), less its value at the ends.</summary>
    /// <param name="steepness">f, above 0.</param>
    public static LatentScale SigmoidBump(double steepness = 10)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(steepness);
        var end = Sigmoid(1 - (steepness / 2)) - Sigmoid(-1 - (steepness / 2));
        Expr Gamma(Expr t) => ((steepness * (t - 0.5)) + 1).Sigmoid() - ((steepness * (t - 0.5)) - 1).Sigmoid() - end;
        return new LatentScale(steepness == 10 ? "sigmoid-bump" : FormattableString.Invariant($"sigmoid-bump:{steepness:R}"), Gamma,
            t => Gamma(t) * InterpolantSchedule.Rate(Gamma, t));
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
