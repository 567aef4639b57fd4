using System.Numerics;
using Monge.Engine.Arrays;

namespace Monge.Training;

/// <summary>
/// Walkers of simulations, kept at nodes of time so that later steps of a training can draw from them: positions, log-weights, and how far they spread.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="nodes">Number of nodes.</param>
/// <param name="walkers">Walkers of a node.</param>
/// <param name="dimension">d.</param>
/// <param name="lostAt">A walker with a coordinate this far out is lost.</param>
internal sealed class WalkerPool<T>(int nodes, int walkers, int dimension, double lostAt)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>The walkers' positions [nodes x walkers, d].</summary>
    public NdArray<T> Positions { get; } = new(nodes * walkers, dimension);

    /// <summary>The nodes' times [nodes].</summary>
    public NdArray<T> Times { get; } = new(nodes);

    /// <summary>The walkers' log-weights [nodes x walkers]; minus infinity for one that was lost.</summary>
    public NdArray<T> LogWeights { get; } = new(nodes * walkers);

    /// <summary>The walkers' standard deviations [nodes, d].</summary>
    public NdArray<T> Deviations { get; } = new(nodes, dimension);

    /// <summary>The position [d] of a walker.</summary>
    public Span<T> Position(int node, int walker) => Positions.Row((node * walkers) + walker);

    /// <summary>Keeps the walkers of a node.</summary>
    /// <param name="node">The node.</param>
    /// <param name="time">Its time.</param>
    /// <param name="positions">Their positions [walkers, d] or more.</param>
    /// <param name="fallback">The node whose place a lost walker takes.</param>
    /// <param name="logWeights">Their log-weights [walkers] or more; null for equal weights.</param>
    public void Keep(int node, double time, NdArray<T> positions, int fallback, NdArray<T>? logWeights = null)
    {
        Times[node] = T.CreateChecked(time);
        for (var i = 0; i < walkers; i++)
        {
            var from = positions.Row(i);
            var lost = false;
            foreach (var z in from)
            {
                lost |= !(T.Abs(z) < T.CreateChecked(lostAt));
            }

            (lost ? Position(fallback, i) : from).CopyTo(Position(node, i));
            var weight = logWeights is null ? T.Zero : logWeights[i];
            LogWeights[(node * walkers) + i] = lost || !T.IsFinite(weight) ? T.NegativeInfinity : weight;
        }

        var rows = Positions.Span.Slice(node * walkers * dimension, walkers * dimension);
        for (var j = 0; j < dimension; j++)
        {
            var (sum, squares) = (0.0, 0.0);
            for (var at = j; at < rows.Length; at += dimension)
            {
                var value = double.CreateChecked(rows[at]);
                sum += value;
                squares += value * value;
            }

            Deviations.Row(node)[j] = T.CreateChecked(Math.Sqrt(Math.Max(0, (squares / walkers) - (sum / walkers * (sum / walkers)))));
        }
    }
}
