using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Paths;

/// <summary>Where a learned log density is held to given laws.</summary>
public enum LogDensityBoundary
{
    /// <summary>The base at t = 0 and the target, divided by a learned normaliser z, at t = 1.</summary>
    BothEnds,

    /// <summary>The unnormalised target at t = 1 alone, as the time reversal of a noising asks: the law at t = 0 is what the equation makes of it.</summary>
    TargetOnly,
}

/// <summary>
/// A learned log density V(x, t) that meets its boundary conditions whatever the parameters, so no loss has to ask for them (arXiv:2407.07873). With I an
/// interpolation from log p0 to log rho, phi a network and zeta a network of time alone: V = I - t log z + t (1 - t) (phi + zeta) for both ends, where the
/// learned scalar log z is the estimate of log Z, and V = I + (1 - t) (phi + zeta) for the target alone. It starts on the interpolation.
/// </summary>
public sealed class LogDensityNetwork : IDensityPath
{
    private readonly IDensityPath _interpolation;
    private readonly Func<Expr, Expr, Expr> _correction;
    private readonly LogDensityBoundary _boundary;
    private readonly TimeNetwork? _timeTerm;

    /// <summary>Adds log z and the time term to a set of parameters.</summary>
    /// <param name="parameters">The set, which holds the parameters of <paramref name="correction"/> too.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="name">What the parameters' names begin with.</param>
    /// <param name="interpolation">I: log p0 at t = 0, log rho at t = 1.</param>
    /// <param name="correction">phi(x, t), a scalar, such as <see cref="ScalarNetwork.Apply"/>.</param>
    /// <param name="boundary">What is held.</param>
    /// <param name="timeTerm">Whether the term zeta(t) is added.</param>
    /// <param name="startLogNormaliser">log z at the start; ignored without log z.</param>
    public LogDensityNetwork(
        ParameterSet parameters,
        ParameterInitializer initializer,
        string name,
        IDensityPath interpolation,
        Func<Expr, Expr, Expr> correction,
        LogDensityBoundary boundary = LogDensityBoundary.BothEnds,
        bool timeTerm = false,
        double startLogNormaliser = 0)
    {
        (_interpolation, _correction, _boundary) = (interpolation, correction, boundary);
        _timeTerm = timeTerm ? new TimeNetwork(parameters, initializer, $"{name}.time", 1, 32) : null;
        if (boundary == LogDensityBoundary.BothEnds)
        {
            LogNormaliserOffset = parameters.Count;
            LogNormaliser = initializer.Add(parameters, $"{name}.logNormaliser", 0) + startLogNormaliser;
            StartLogNormaliser = startLogNormaliser;
        }
    }

    /// <inheritdoc/>
    public int Dimension => _interpolation.Dimension;

    /// <summary>log z, traced; null without one.</summary>
    public Expr? LogNormaliser { get; }

    /// <summary>
    /// Where the learned part of log z lies in the flat parameter vector: log z is that number plus <see cref="StartLogNormaliser"/>; null without one.
    /// </summary>
    public int? LogNormaliserOffset { get; }

    /// <summary>log z at the start.</summary>
    public double StartLogNormaliser { get; }

    /// <inheritdoc/>
    public Expr LogDensity(Expr x, Expr t)
    {
        var correction = _correction(x, t);
        if (_timeTerm is not null)
        {
            correction += _timeTerm.Apply(t)[0];
        }

        var interpolated = _interpolation.LogDensity(x, t);
        return _boundary == LogDensityBoundary.TargetOnly
            ? interpolated + ((1 - t) * correction)
            : interpolated - (t * LogNormaliser!) + (t * (1 - t) * correction);
    }

    /// <inheritdoc/>
    public Expr Score(Expr x, Expr t) => Derivative.Gradient(LogDensity(x, t), x);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The time is a constant, for which there is nothing to differentiate by; trace with a time input.</exception>
    public Expr TimeDerivative(Expr x, Expr t) => t.IsConstant
        ? throw new ArgumentException("The time of a path's time derivative must be traced, not a constant.", nameof(t))
        : Derivative.Gradient(LogDensity(x.StopGradient(), t), t);

    /// <summary>The normalised log density of the law that <see cref="BaseDraw"/> draws from: log p0, which V(., 0) equals when both ends are held.</summary>
    /// <param name="x">A position [d].</param>
    public Expr LogBase(Expr x) => _interpolation.LogBase(x);

    /// <inheritdoc/>
    public Expr BaseDraw(int stream) => _interpolation.BaseDraw(stream);
}
