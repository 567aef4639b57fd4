using Monge.Engine.Random;

namespace Monge.MonteCarlo;

/// <summary>Draws of an independence Metropolis sampler.</summary>
/// <param name="Positions">States of the chains [n * d], row-major.</param>
/// <param name="Acceptance">The share of all proposed moves, warm-up included, that were taken.</param>
public sealed record IndependenceDraws(double[] Positions, double Acceptance);

/// <summary>
/// Metropolis chains whose proposals don't depend on where they are (W. Hastings, 1970; L. Tierney, "Markov chains for exploring posterior distributions",
/// 1994): a proposal with weight w' = target / proposal density is taken from one with weight w with probability min(1, w' / w). Many chains side by side,
/// all of which move at once.
/// </summary>
public static class IndependenceMetropolis
{
    /// <summary>Draws from a target.</summary>
    /// <param name="count">Draws n, at least 1.</param>
    /// <param name="dimension">d.</param>
    /// <param name="chains">Chains, at least 1.</param>
    /// <param name="warmUp">Moves of each chain before its first draw, at least 0.</param>
    /// <param name="decorrelation">Moves between two draws of a chain, at least 1.</param>
    /// <param name="propose">Independent proposals, as many as it is given: positions [m * d] and log(target / proposal density) up to a constant [m].</param>
    /// <param name="random">The stream that moves are decided by.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="ArithmeticException">A weight is not a number or infinite.</exception>
    public static IndependenceDraws Draw(
        int count, int dimension, int chains, int warmUp, int decorrelation, Func<int, (double[] Positions, double[] LogWeights)> propose,
        RandomStream random, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(propose);
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(chains, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(warmUp);
        ArgumentOutOfRangeException.ThrowIfLessThan(decorrelation, 1);
        var (positions, logWeights) = propose(chains);
        var (draws, moves, taken) = (new double[count * dimension], 0L, 0L);
        void Move()
        {
            cancellation.ThrowIfCancellationRequested();
            var (proposed, proposedWeights) = propose(chains);
            moves += chains;
            for (var c = 0; c < chains; c++)
            {
                if (double.IsNaN(proposedWeights[c]) || double.IsPositiveInfinity(proposedWeights[c]))
                {
                    throw new ArithmeticException(FormattableString.Invariant(
                        $"The log-weight of a proposal at x[0] = {proposed[c * dimension]:g6} is {proposedWeights[c]}; it must be a number."));
                }

                // A chain that began where the target has no mass takes whatever comes.
                if (double.IsNegativeInfinity(logWeights[c]) || Math.Log(1 - random.NextDouble()) < proposedWeights[c] - logWeights[c])
                {
                    logWeights[c] = proposedWeights[c];
                    proposed.AsSpan(c * dimension, dimension).CopyTo(positions.AsSpan(c * dimension));
                    taken++;
                }
            }
        }

        for (var k = 0; k < warmUp; k++)
        {
            Move();
        }

        for (var first = 0; first < count; first += chains)
        {
            for (var k = 0; first > 0 && k < decorrelation; k++)
            {
                Move();
            }

            positions.AsSpan(0, Math.Min(chains, count - first) * dimension).CopyTo(draws.AsSpan(first * dimension));
        }

        return new IndependenceDraws(draws, moves == 0 ? 1 : taken / (double)moves);
    }
}
