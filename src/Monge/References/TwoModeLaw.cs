using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Paths;

namespace Monge.References;

/// <summary>
/// The mixture p N(m 1, s^2 I) + (1 - p) N(-m 1, s^2 I) in many dimensions d, 1 the vector of ones, reached from N(0, I) noise by a one-sided interpolant
/// (arXiv:2501.00988). Its velocity reduces exactly: y = 1.x / sqrt(d) obeys an equation of its own, and every direction orthogonal to 1 is stretched alike.
/// </summary>
/// <param name="dimension">d.</param>
/// <param name="mean">m.</param>
/// <param name="deviation">s, above 0.</param>
/// <param name="weight">p, between 0 and 1.</param>
public sealed class TwoModeLaw(int dimension, double mean, double deviation, double weight)
{
    /// <summary>d.</summary>
    public int Dimension { get; } = dimension;

    private double Shift { get; } = 0.5 * Math.Log(weight / (1 - weight));

    /// <summary>The velocity on R^2 of the pair (y, u): y = 1.x / sqrt(d), and u a coordinate along any direction orthogonal to 1.</summary>
    /// <param name="schedule">The schedule, without a latent variable.</param>
    public IVectorField Reduced(InterpolantSchedule schedule)
    {
        var root = Math.Sqrt(Dimension);
        return new FormulaField(2, (x, t) =>
        {
            var (stretch, push) = Parts(schedule, root * x[0], t);
            return Expr.Vector((stretch * x[0]) + (root * push), stretch * x[1]);
        });
    }

    /// <summary>The velocity on R^d.</summary>
    /// <param name="schedule">The schedule, without a latent variable.</param>
    public IVectorField Full(InterpolantSchedule schedule) => new FormulaField(Dimension, (x, t) =>
    {
        var (stretch, push) = Parts(schedule, x.Sum(), t);
        return (stretch * x) + push;
    });

    // b = stretch x + push 1. With v = alpha^2 + s^2 beta^2 and th = tanh(h + beta m (1.x) / v) the mean of the data is (s^2 beta x + alpha^2 m th 1) / v.
    private (Expr Stretch, Expr Push) Parts(InterpolantSchedule schedule, Expr sum, Expr t)
    {
        var (alphaSquare, beta) = (schedule.Alpha(t).Square(), schedule.Beta(t));
        var variance = alphaSquare + (deviation * deviation * beta.Square());
        var sign = (Shift + (beta * mean * sum / variance)).Tanh();
        var stretch = (schedule.AlphaAlphaRate(t) + (deviation * deviation * schedule.BetaBetaRate(t))) / variance;
        var push = mean * sign * ((alphaSquare * schedule.BetaRate(t)) - (schedule.AlphaAlphaRate(t) * beta)) / variance;
        return (stretch, push);
    }
}
