using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>
/// The variance-preserving noising dY = -beta(s)/2 Y ds + sqrt(beta(s)) dW with linear beta(s) = beta0 + (beta1 - beta0) s, s from 0
/// (target) to 1 (noise) (Song et al., arXiv:2011.13456), as functions of the house's time t = 1 - s. With a target of unit variance it
/// keeps that variance; any target nears N(0, I).
/// </summary>
public sealed class VariancePreservingNoise
{
    private readonly double _first;
    private readonly double _last;

    /// <summary>Makes a noising.</summary>
    /// <param name="dimension">d.</param>
    /// <param name="first">beta at the target's end, above 0.</param>
    /// <param name="last">beta at the noise's end, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The dimension is below 1 or a rate not positive.</exception>
    public VariancePreservingNoise(int dimension, double first = 0.1, double last = 10)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(first);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(last);
        (_first, _last) = (first, last);
        Drift = new FormulaField(dimension, (x, t) => -0.5 * Rate(t) * x);
    }

    /// <summary>The noising drift f(x, t) = -beta(1 - t)/2 x [d].</summary>
    public IVectorField Drift { get; }

    /// <summary>beta at s = 1 - t.</summary>
    public Expr Rate(Expr t) => _first + ((_last - _first) * (1 - t));

    /// <summary>eps(t) = beta(1 - t)/2, of the house's sqrt(2 eps) dW.</summary>
    public Expr Diffusion(Expr t) => 0.5 * Rate(t);

    /// <summary>B(t) = int_0^(1-t) beta ds: the mean of a particle shrinks by exp(-B/2) and its noise has variance 1 - exp(-B).</summary>
    public Expr Integral(Expr t) => (_first * (1 - t)) + (0.5 * (_last - _first) * (1 - t).Square());
}
