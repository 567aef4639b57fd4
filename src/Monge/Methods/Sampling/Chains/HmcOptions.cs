using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>Options of Hamiltonian Monte Carlo with trajectories of one length.</summary>
public sealed record HmcOptions : ChainOptions
{
    /// <summary>
    /// The mean length of a trajectory in standard deviations, 0.01 to 1000: each is between a half and one and a half times as long. A quarter of a period
    /// makes a Gaussian's draws independent.
    /// </summary>
    public double TrajectoryLength { get; init; } = Math.Round(Math.PI / 2, 2);

    /// <summary>Leapfrog steps of a trajectory at most, 2 to 65536.</summary>
    public int MaximumLeapfrogs { get; init; } = 1024;

    /// <inheritdoc/>
    public override void Check()
    {
        base.Check();
        OptionCheck.Within<double>(TrajectoryLength, 0.01, 1000);
        OptionCheck.Within<int>(MaximumLeapfrogs, 2, 65_536);
    }

    /// <inheritdoc/>
    internal override ChainKernel Kernel(int dimension) => new HamiltonianTrajectory(dimension, TrajectoryLength, MaximumLeapfrogs);
}
