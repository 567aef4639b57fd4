using Monge.Engine.Random;

namespace Monge.MonteCarlo;

/// <summary>
/// One chain of Hamiltonian Monte Carlo: trajectories of a length between half and one and a half times the one given, so that no period fits all of them,
/// accepted or refused as a whole. One step at a time is a Langevin step with Metropolis correction (MALA).
/// Source: R. Neal, "MCMC using Hamiltonian dynamics", arXiv:1206.1901.
/// </summary>
/// <param name="dimension">d.</param>
/// <param name="length">The mean length of a trajectory in standard deviations.</param>
/// <param name="mostLeapfrogs">Leapfrog steps of a trajectory at most.</param>
internal sealed class HamiltonianTrajectory(int dimension, double length, int mostLeapfrogs) : ChainKernel(dimension)
{
    private int _taken;
    private int _planned;

    /// <inheritdoc/>
    public override int Begin(RandomStream random, double stepSize, PhasePoint point)
    {
        Depart(random, point);
        var steps = mostLeapfrogs == 1 ? 1 : (0.5 + random.NextDouble()) * length / stepSize;
        (_taken, _planned) = (0, (int)Math.Clamp(Math.Ceiling(steps), 1, mostLeapfrogs));
        return 1;
    }

    /// <inheritdoc/>
    public override int Advance(RandomStream random, PhasePoint point, double logDensity, double kinetic, out ChainMove move)
    {
        var error = EnergyError(logDensity, kinetic);
        _taken++;
        if (_taken < _planned && error <= MostEnergyError)
        {
            move = default;
            return 1;
        }

        var acceptance = Math.Exp(-Math.Max(0, error));
        if (random.NextDouble() < acceptance)
        {
            point.Position.CopyTo(Position);
            point.Gradient.CopyTo(Gradient);
            LogDensity = logDensity;
        }

        // A single step that goes too far is refused like any other; there is no trajectory that could leave its level.
        move = new ChainMove(LogDensity, Energy, acceptance, _taken, 0, mostLeapfrogs > 1 && error > MostEnergyError);
        return 0;
    }
}
