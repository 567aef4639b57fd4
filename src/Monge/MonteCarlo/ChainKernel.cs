using Monge.Engine.Random;

namespace Monge.MonteCarlo;

/// <summary>A point of phase space: position z, momentum p and the gradient of the log density by z, each [d].</summary>
internal readonly ref struct PhasePoint(Span<double> position, Span<double> momentum, Span<double> gradient)
{
    public Span<double> Position { get; } = position;

    public Span<double> Momentum { get; } = momentum;

    public Span<double> Gradient { get; } = gradient;

    public void CopyTo(PhasePoint other)
    {
        Position.CopyTo(other.Position);
        Momentum.CopyTo(other.Momentum);
        Gradient.CopyTo(other.Gradient);
    }
}

/// <summary>What one transition of a chain did.</summary>
/// <param name="LogDensity">The log density at the new state.</param>
/// <param name="Energy">The Hamiltonian of the trajectory's start.</param>
/// <param name="Acceptance">Mean Metropolis acceptance over the trajectory.</param>
/// <param name="Leapfrogs">Leapfrog steps.</param>
/// <param name="Depth">Doublings of the trajectory; 0 where its length is fixed.</param>
/// <param name="IsDivergent">Whether the energy error grew beyond bounds.</param>
internal readonly record struct ChainMove(double LogDensity, double Energy, double Acceptance, int Leapfrogs, int Depth, bool IsDivergent);

/// <summary>
/// One chain as a machine that is fed leapfrog steps one by one, so that many chains share each evaluation of the density (<see cref="ChainLanes"/>).
/// Coordinates are those in which the kinetic energy is |p|^2 / 2.
/// </summary>
internal abstract class ChainKernel(int dimension)
{
    /// <summary>An energy error beyond which a trajectory has diverged.</summary>
    public const double MostEnergyError = 1000;

    private readonly double[] _state = new double[2 * dimension];

    /// <summary>The chain's position [d].</summary>
    public Span<double> Position => _state.AsSpan(0, dimension);

    /// <summary>The gradient there [d].</summary>
    public Span<double> Gradient => _state.AsSpan(dimension, dimension);

    /// <summary>The log density there.</summary>
    public double LogDensity { get; set; }

    /// <summary>The Hamiltonian at the start of the transition.</summary>
    protected double Energy { get; private set; }

    /// <summary>Begins a transition from the chain's position with fresh momenta.</summary>
    /// <param name="random">The chain's random numbers.</param>
    /// <param name="stepSize">The length of a leapfrog step.</param>
    /// <param name="point">Receives the point from which the first step starts.</param>
    /// <returns>The direction of time: 1 or -1.</returns>
    public abstract int Begin(RandomStream random, double stepSize, PhasePoint point);

    /// <summary>Takes in a leapfrog step.</summary>
    /// <param name="random">The chain's random numbers.</param>
    /// <param name="point">The point after the step; receives the one from which the next starts.</param>
    /// <param name="logDensity">The log density there.</param>
    /// <param name="kinetic">|p|^2 / 2 there.</param>
    /// <param name="move">What the transition did, if it has ended.</param>
    /// <returns>The direction of the next step; 0 at the end of the transition.</returns>
    public abstract int Advance(RandomStream random, PhasePoint point, double logDensity, double kinetic, out ChainMove move);

    /// <summary>How much the energy, of whatever kind the transition conserves, has risen since its start; infinite where it is no number.</summary>
    public virtual double EnergyError(double logDensity, double kinetic) => Finite(kinetic - logDensity - Energy);

    /// <summary>Puts position, gradient and fresh momenta into a point, from which the energy is counted.</summary>
    protected void Depart(RandomStream random, PhasePoint point)
    {
        var square = 0.0;
        foreach (ref var p in point.Momentum)
        {
            p = random.NextNormal();
            square += p * p;
        }

        Position.CopyTo(point.Position);
        Gradient.CopyTo(point.Gradient);
        Energy = (0.5 * square) - LogDensity;
    }

    /// <summary>The error, or infinity where it is no number.</summary>
    protected static double Finite(double error) => double.IsNaN(error) ? double.PositiveInfinity : error;
}
