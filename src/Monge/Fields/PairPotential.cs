using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>
/// A scalar of N like particles z_1, ..., z_N in p coordinates each that knows no order among them (arXiv:2206.04642, section 4): one network of each
/// particle and one of each pair,
/// <code>
/// Phi(z) = sum_i phi_1(z_i) + 1/(2 N) sum_ij phi_2(z_i, z_j)                                                                                         (1)
/// </code>
/// A pair counts in both orders, so phi_2 need not be symmetric, and a particle with itself is one more function of one particle.
/// </summary>
internal sealed class PairPotential
{
    private readonly int _particles;
    private readonly Perceptron _one;
    private readonly Perceptron _two;

    /// <summary>Adds the networks' parameters to a set.</summary>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="name">What the parameters' names begin with.</param>
    /// <param name="particles">N.</param>
    /// <param name="coordinates">p.</param>
    /// <param name="layers">How both are built.</param>
    /// <param name="conditions">What both see besides.</param>
    public PairPotential(
        ParameterSet parameters, ParameterInitializer initializer, string name, int particles, int coordinates, PerceptronOptions layers,
        params PerceptronCondition[] conditions)
    {
        _particles = particles;
        _one = new Perceptron(parameters, initializer, $"{name}.one", coordinates, null, layers, conditions);
        _two = new Perceptron(parameters, initializer, $"{name}.two", 2 * coordinates, null, layers, conditions);
    }

    /// <summary>Phi, a scalar.</summary>
    /// <param name="z">The particles' coordinates one after another [N p].</param>
    /// <param name="conditions">The conditions' values, in their order.</param>
    public Expr Apply(Expr z, params Expr[] conditions)
    {
        var (n, p) = (_particles, _one.Inputs);
        var places = z.Reshape(n, p).Transpose(1, 0);
        var (first, second) = (places.Reshape(p, n, 1).BroadcastTo(new Shape(p, n, n)), places.Reshape(p, 1, n).BroadcastTo(new Shape(p, n, n)));
        var pairs = Expr.Concat(0, first, second).Reshape(2 * p, n * n);
        return _one.ApplyToColumns(places, conditions).Sum() + (_two.ApplyToColumns(pairs, conditions).Sum() / (2 * n));
    }
}
