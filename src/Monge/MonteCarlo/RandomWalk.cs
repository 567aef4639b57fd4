using Monge.Engine.Random;

namespace Monge.MonteCarlo;

/// <summary>
/// One chain of random-walk Metropolis: a normal step in all coordinates, accepted or refused. On lanes it is a leapfrog step without a force.
/// Source: N. Metropolis et al. (1953); G. Roberts, A. Gelman and W. Gilks (1997) for the acceptance of .234.
/// </summary>
/// <param name="dimension">d.</param>
internal sealed class RandomWalk(int dimension) : ChainKernel(dimension)
{
    /// <inheritdoc/>
    public override int Begin(RandomStream random, double stepSize, PhasePoint point)
    {
        Depart(random, point);
        point.Gradient.Clear();
        return 1;
    }

    /// <inheritdoc/>
    public override int Advance(RandomStream random, PhasePoint point, double logDensity, double kinetic, out ChainMove move)
    {
        var acceptance = Math.Exp(-Math.Max(0, EnergyError(logDensity, kinetic)));
        if (random.NextDouble() < acceptance)
        {
            point.Position.CopyTo(Position);
            LogDensity = logDensity;
        }

        move = new ChainMove(LogDensity, -LogDensity, acceptance, 1, 0, false);
        return 0;
    }

    /// <inheritdoc/>
    public override double EnergyError(double logDensity, double kinetic) => Finite(LogDensity - logDensity);
}
