using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>
/// The linear drift on a periodic lattice that commutes with translations: each plane wave of the field is stretched at a learned rate
/// g(khat^2, t), one function of time for each eigenvalue of the lattice Laplacian. Between free fields of different masses it is the exact
/// drift. Its divergence is the sum of the rates.
/// </summary>
public sealed class SpectralField : IVectorField
{
    private const int TimeWidth = 32;
    private readonly Expr _waves;
    private readonly Expr _back;
    private readonly int[] _class;
    private readonly TimeNetwork _rates;

    /// <summary>Adds the field's parameters to a set.</summary>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start: at the field 0.</param>
    /// <param name="lattice">The lattice.</param>
    /// <param name="frequencies">Frequencies of the time features.</param>
    public SpectralField(ParameterSet parameters, ParameterInitializer initializer, PeriodicLattice lattice, int frequencies = 4)
    {
        Dimension = lattice.Sites;
        var (waves, eigenvalues) = lattice.PlaneWaves();
        _waves = Expr.Constant(waves, Dimension, Dimension);
        var back = new double[waves.Length];
        for (var i = 0; i < Dimension; i++)
        {
            for (var j = 0; j < Dimension; j++)
            {
                back[(i * Dimension) + j] = waves[(j * Dimension) + i];
            }
        }

        _back = Expr.Constant(back, Dimension, Dimension);
        long[] keys = [.. eigenvalues.Select(e => (long)Math.Round(e * 1e9))];
        long[] distinct = [.. keys.Distinct().Order()];
        _class = [.. keys.Select(k => Array.BinarySearch(distinct, k))];
        _rates = new TimeNetwork(parameters, initializer, "spectrum", distinct.Length, TimeWidth, frequencies);
    }

    /// <inheritdoc/>
    public int Dimension { get; }

    /// <inheritdoc/>
    public bool HasCheapDivergence => true;

    /// <inheritdoc/>
    public Expr Apply(Expr x, Expr t) => WithDivergence(x, t).Value;

    /// <inheritdoc/>
    public (Expr Value, Expr Divergence) WithDivergence(Expr x, Expr t)
    {
        var rates = _rates.Apply(t).Gather(0, _class);
        return (Expr.MatrixProduct(_back, rates * Expr.MatrixProduct(_waves, x)), rates.Sum());
    }

    /// <inheritdoc/>
    public (Expr Value, Expr Divergences) WithDivergenceEstimates(Expr x, Expr t, Expr probes)
    {
        var (value, divergence) = WithDivergence(x, t);
        return (value, divergence.Reshape(1).BroadcastTo(new Shape(probes.Shape[1])));
    }
}
