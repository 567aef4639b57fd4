using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Cli.Bench;

/// <summary>
/// The peer's network: <c>depth</c> linear layers of one width, each with its activation, then a linear layer. Weights start with the variance of PyTorch's, 1
/// / (3 inputs).
/// </summary>
internal sealed class BenchNetwork
{
    private readonly Perceptron _perceptron;

    /// <summary>Declares the layers' parameters.</summary>
    public BenchNetwork(int inputs, int outputs, BenchSettings settings, Activation activation)
    {
        var scale = 1 / Math.Sqrt(3);
        var options = new PerceptronOptions
        {
            Width = settings.Width,
            Depth = settings.Depth,
            Activation = activation,
            FirstScale = scale,
            HiddenScale = scale,
            LastScale = scale,
        };
        _perceptron = new Perceptron(Parameters, Initializer, "layer", inputs, outputs, options);
        FirstLayerWeights = inputs * settings.Width;
    }

    /// <summary>All parameters.</summary>
    public ParameterSet Parameters { get; } = new();

    /// <summary>How they start.</summary>
    public ParameterInitializer Initializer { get; } = new();

    /// <summary>Weights of all layers together: multiplications for one sample.</summary>
    public double Weights => Parameters.Blocks.Where(b => b.Shape.Sizes.Length == 2).Sum(b => (double)b.Shape.Size);

    /// <summary>Weights of the first layer.</summary>
    public double FirstLayerWeights { get; }

    /// <summary>The network's value at one input.</summary>
    public Expr Apply(Expr input) => _perceptron.Apply(input);
}
