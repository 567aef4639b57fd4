using Monge.Engine.Programs;

namespace Monge.Measures;

/// <summary>
/// The free energy of a law rho,
/// <code>
/// F(rho) = int Phi rho + eps int rho log rho + (a / (m - 1)) int rho^m + (1 / 2) int int W(x - y) rho(x) rho(y)                                       (1)
/// </code>
/// whose Wasserstein gradient flow is d rho / dt = div(rho grad(Phi + W * rho)) + eps Laplacian rho + a Laplacian rho^m: a diffusion down the potential, the
/// porous-medium equation, aggregation by an interaction, or several of them. Source: R. Jordan, D. Kinderlehrer and F. Otto, "The variational formulation of
/// the
/// Fokker-Planck equation" (1998); F. Santambrogio, "{Euclidean, metric, and Wasserstein} gradient flows: an overview" (2017).
/// </summary>
public sealed record FreeEnergy
{
    private readonly double _temperature;
    private readonly double _porousFactor;
    private readonly double _porousExponent = 2;

    /// <summary>Phi(x), a scalar of a position [d]; null for none.</summary>
    public Func<Expr, Expr>? Potential { get; init; }

    /// <summary>W(z), a scalar of a difference [d], with W(-z) = W(z); null for none.</summary>
    public Func<Expr, Expr>? Interaction { get; init; }

    /// <summary>The temperature eps, at least 0: the diffusion of the flow.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative or not finite.</exception>
    public double Temperature
    {
        get => _temperature;
        init => _temperature = value >= 0 && double.IsFinite(value)
            ? value : throw new ArgumentOutOfRangeException(nameof(Temperature), value, "The temperature must be at least 0 and finite.");
    }

    /// <summary>The factor a of the porous medium, at least 0.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative or not finite.</exception>
    public double PorousFactor
    {
        get => _porousFactor;
        init => _porousFactor = value >= 0 && double.IsFinite(value)
            ? value : throw new ArgumentOutOfRangeException(nameof(PorousFactor), value, "The factor of the porous medium must be at least 0 and finite.");
    }

    /// <summary>The exponent m of the porous medium, above 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is at most 1 or not finite.</exception>
    public double PorousExponent
    {
        get => _porousExponent;
        init => _porousExponent = value > 1 && double.IsFinite(value)
            ? value : throw new ArgumentOutOfRangeException(nameof(PorousExponent), value, "The exponent of the porous medium must be above 1 and finite.");
    }
}
