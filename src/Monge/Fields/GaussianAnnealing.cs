using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>
/// The exact drift of the geometric annealing N(m0, s0^2 I) -> N(m1, s1^2 I), t from 0 to 1 (closed form of the continuity equation's gradient solution):
/// lambda(t) = (1-t)/s0^2 + t/s1^2, m(t) = ((1-t) m0/s0^2 + t m1/s1^2)/lambda, b = m' - lambda'/(2 lambda) (x - m).
/// </summary>
/// <param name="startMean">m0 [d].</param>
/// <param name="startScale">s0, above 0.</param>
/// <param name="endMean">m1 [d].</param>
/// <param name="endScale">s1, above 0.</param>
public sealed class GaussianAnnealing(double[] startMean, double startScale, double[] endMean, double endScale)
{
    private readonly double _start = 1 / (startScale * startScale);
    private readonly double _end = 1 / (endScale * endScale);

    /// <summary>d.</summary>
    public int Dimension => startMean.Length;

    /// <summary>The drift [d] at a position [d] and a scalar time.</summary>
    public Expr Drift(Expr x, Expr t)
    {
        var (start, end) = (Expr.Constant(startMean, Dimension), Expr.Constant(endMean, Dimension));
        var precision = ((1 - t) * _start) + (t * _end);
        var slope = _end - _start;
        var mean = (((1 - t) * _start * start) + (t * _end * end)) / precision;
        var meanSlope = (((_end * end) - (_start * start)) - (slope * mean)) / precision;
        return meanSlope - (slope / (2 * precision) * (x - mean));
    }

    /// <summary>The normalised log density V(x, t) that <see cref="Drift"/> carries: of N(m(t), I / lambda(t)).</summary>
    public Expr LogDensity(Expr x, Expr t)
    {
        var (start, end) = (Expr.Constant(startMean, Dimension), Expr.Constant(endMean, Dimension));
        var precision = ((1 - t) * _start) + (t * _end);
        var mean = (((1 - t) * _start * start) + (t * _end * end)) / precision;
        return (-0.5 * precision * (x - mean).SquaredNorm()) + (0.5 * Dimension * (precision / (2 * Math.PI)).Log());
    }

    /// <summary>
    /// d/dt of the log-normaliser of exp(V_t), V_t = (1-t) log p0 + t log p1 with both Gaussians normalised: the c(t) that belongs to <see cref="Drift"/>.
    /// </summary>
    public Expr LogNormaliserSlope(Expr t)
    {
        var (start, end) = (Expr.Constant(startMean, Dimension), Expr.Constant(endMean, Dimension));
        var precision = ((1 - t) * _start) + (t * _end);
        var mean = (((1 - t) * _start * start) + (t * _end * end)) / precision;
        var startEnergy = 0.5 * _start * ((mean - start).SquaredNorm() + (Dimension / precision));
        var endEnergy = 0.5 * _end * ((mean - end).SquaredNorm() + (Dimension / precision));
        return startEnergy - endEnergy + (0.5 * Dimension * Math.Log(_end / _start));
    }
}
