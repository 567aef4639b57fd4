namespace Monge.Measures;

/// <summary>
/// A division of the space into modes, with the exact mass of each. The labelling assigns every point, so the weights are those of the labels,
/// not of mixture components, and add up to 1.
/// </summary>
public sealed class ModeSet
{
    private readonly Func<double[], int> _label;
    private readonly Func<int, string> _name;
    private readonly Func<int, double[]>? _position;

    /// <summary>Describes modes.</summary>
    /// <param name="weights">The exact mass of each label.</param>
    /// <param name="label">From a position in unconstrained coordinates [d] to its mode.</param>
    /// <param name="name">The name of a mode.</param>
    /// <param name="position">A point of each mode in unconstrained coordinates (the top, or the mean of a mixture's component);
    /// null if a mode isn't about a point.</param>
    public ModeSet(double[] weights, Func<double[], int> label, Func<int, string> name, Func<int, double[]>? position = null)
    {
        Weights = weights;
        _label = label;
        _name = name;
        _position = position;
    }

    /// <summary>The exact mass of each mode.</summary>
    public IReadOnlyList<double> Weights { get; }

    /// <summary>Number of modes.</summary>
    public int Count => Weights.Count;

    /// <summary>The mode to which a position in unconstrained coordinates [d] belongs.</summary>
    public int Label(double[] position) => _label(position);

    /// <summary>The name of a mode.</summary>
    public string Name(int mode) => _name(mode);

    /// <summary>
    /// A point of a mode in unconstrained coordinates [d]: its top, or the mean of a mixture's component; null if the mode isn't about a point.
    /// </summary>
    public double[]? Position(int mode) => _position?.Invoke(mode);

    /// <summary>The weight of each mode in weighted samples.</summary>
    /// <param name="positions">Unconstrained positions [n * d], row-major.</param>
    /// <param name="dimension">d.</param>
    /// <param name="weights">Normalised weights [n]; null for equal ones.</param>
    public double[] Occupancy(ReadOnlySpan<double> positions, int dimension, double[]? weights = null)
    {
        var occupancy = new double[Count];
        var samples = positions.Length / dimension;
        var position = new double[dimension];
        for (var i = 0; i < samples; i++)
        {
            positions.Slice(i * dimension, dimension).CopyTo(position);
            occupancy[_label(position)] += weights is null ? 1.0 / samples : weights[i];
        }

        return occupancy;
    }
}
