using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>
/// A drift b(x, t) on R^d: a perceptron on the position whose every layer also sees features of time, plus an affine part
/// s(t) * x + m(t) (elementwise) that carries the bulk. The last layers start at zero, so training starts from the field 0.
/// </summary>
public sealed class DriftNetwork : IVectorField
{
    private const int TimeWidth = 32;
    private readonly Perceptron _perceptron;
    private readonly TimeNetwork _affine;

    /// <summary>Adds the network's parameters to a set.</summary>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="dimension">d.</param>
    /// <param name="width">Units of a hidden layer.</param>
    /// <param name="depth">Hidden layers.</param>
    /// <param name="frequencies">Frequencies of the time features.</param>
    public DriftNetwork(ParameterSet parameters, ParameterInitializer initializer, int dimension, int width, int depth, int frequencies = 4)
    {
        var options = new PerceptronOptions
        {
            Width = width,
            Depth = depth,
            Activation = Activation.Tanh,
            FirstScale = 1.5,
            HiddenScale = 1.3,
            LastBiasScale = null,
        };
        _perceptron = new Perceptron(parameters, initializer, "drift", dimension, dimension, options, PerceptronCondition.Time(frequencies));
        _affine = new TimeNetwork(parameters, initializer, "drift.affine", 2 * dimension, TimeWidth, frequencies);
    }

    /// <summary>d.</summary>
    public int Dimension => _perceptron.Inputs;

    /// <inheritdoc/>
    public (Expr Value, Expr Divergence) WithDivergence(Expr x, Expr t) => new FormulaField(Dimension, Apply).WithDivergence(x, t);

    /// <inheritdoc/>
    public (Expr Value, Expr Divergences) WithDivergenceEstimates(Expr x, Expr t, Expr probes) =>
        new FormulaField(Dimension, Apply).WithDivergenceEstimates(x, t, probes);

    /// <summary>The drift [d].</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    public Expr Apply(Expr x, Expr t)
    {
        var (value, affine) = (_perceptron.Apply(x, t), _affine.Apply(t));
        return value + (affine[..Dimension] * x) + affine[Dimension..];
    }
}
