using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>
/// The Schroedinger bridge N(m0, s0^2 I) -> N(m1, s1^2 I) over the reference dX = sqrt(2 eps) dW, t from 0 to 1, in closed form; with eps = 0 it is the optimal
/// transport. With C = (sqrt(4 s0^2 s1^2 + (2 eps)^2) - 2 eps)/2 and r(t) = (C - s0^2)/((1-t) s0^2 + t C), the law is N(m(t), v(t) I) with
/// m = (1-t) m0 + t m1, v = (1-t)^2 s0^2 + t^2 s1^2 + 2t(1-t)(C + eps), and the drift of dX = b dt + sqrt(2 eps) dW is b = m1 - m0 + r (x - m)
/// (Leonard, arXiv:1308.0215, for the problem; the closed form follows from Gaussian couplings).
/// </summary>
public sealed class GaussianBridge
{
    private readonly double[] _startMean;
    private readonly double[] _endMean;
    private readonly double _startVariance;
    private readonly double _endVariance;
    private readonly double _coupling;

    /// <summary>Makes a bridge.</summary>
    /// <param name="startMean">m0 [d].</param>
    /// <param name="startScale">s0, above 0.</param>
    /// <param name="endMean">m1 [d].</param>
    /// <param name="endScale">s1, above 0.</param>
    /// <param name="diffusion">eps, at least 0; 0 is the optimal transport.</param>
    /// <exception cref="ArgumentException">The means differ in length.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A scale is not positive or eps negative.</exception>
    public GaussianBridge(double[] startMean, double startScale, double[] endMean, double endScale, double diffusion)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(startScale);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(endScale);
        ArgumentOutOfRangeException.ThrowIfNegative(diffusion);
        if (startMean.Length != endMean.Length)
        {
            throw new ArgumentException($"The means of a bridge have {startMean.Length} and {endMean.Length} elements; they must agree.", nameof(endMean));
        }

        (_startMean, _endMean, Diffusion) = ([.. startMean], [.. endMean], diffusion);
        (_startVariance, _endVariance) = (startScale * startScale, endScale * endScale);
        _coupling = Math.Sqrt((_startVariance * _endVariance) + (diffusion * diffusion)) - diffusion;
    }

    /// <summary>d.</summary>
    public int Dimension => _startMean.Length;

    /// <summary>eps.</summary>
    public double Diffusion { get; }

    /// <summary>The mean m(t) [d].</summary>
    public Expr Mean(Expr t) => ((1 - t) * Expr.Constant(_startMean, Dimension)) + (t * Expr.Constant(_endMean, Dimension));

    /// <summary>The variance v(t) of each coordinate.</summary>
    public Expr Variance(Expr t) => ((1 - t).Square() * _startVariance) + (t.Square() * _endVariance) + (2 * t * (1 - t) * (_coupling + Diffusion));

    /// <summary>The normalised log density V(x, t).</summary>
    public Expr LogDensity(Expr x, Expr t) => (-0.5 * (x - Mean(t)).SquaredNorm() / Variance(t)) - (0.5 * Dimension * (2 * Math.PI * Variance(t)).Log());

    /// <summary>The drift b [d] of the SDE; with eps = 0 the velocity of the optimal transport.</summary>
    public Expr Drift(Expr x, Expr t) => Shift + (Slope(t) * (x - Mean(t)));

    /// <summary>
    /// The potential Phi(x, t): with eps above 0 the solution of the Hamilton-Jacobi-Bellman equation with b = 2 eps grad Phi, with eps = 0 of the
    /// Hamilton-Jacobi equation with b = grad Phi. Up to a constant.
    /// </summary>
    public Expr Potential(Expr x, Expr t)
    {
        var y = x - Mean(t);
        var action = (0.5 * Slope(t) * y.SquaredNorm()) + Expr.Dot(Shift, y) + (0.5 * Shift.SquaredNorm() * t);
        return Diffusion == 0 ? action : (action - (Diffusion * Dimension * Denominator(t).Log())) / (2 * Diffusion);
    }

    /// <summary>The expected energy int E|b|^2 dt of the optimal transport: |m1 - m0|^2 + d (s1 - s0)^2.</summary>
    public double TransportCost => _startMean.Zip(_endMean, (a, b) => (b - a) * (b - a)).Sum()
        + (Dimension * Math.Pow(Math.Sqrt(_endVariance) - Math.Sqrt(_startVariance), 2));

    private Expr Shift => Expr.Constant([.. _startMean.Zip(_endMean, (a, b) => b - a)], Dimension);

    private Expr Denominator(Expr t) => ((1 - t) * _startVariance) + (t * _coupling);

    private Expr Slope(Expr t) => (_coupling - _startVariance) / Denominator(t);
}
