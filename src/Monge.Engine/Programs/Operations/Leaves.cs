using Monge.Engine.Arrays;

namespace Monge.Engine.Programs;

/// <summary>A value that comes from outside the program: nothing to compute, and no input to differentiate.</summary>
internal abstract class Leaf : Operation
{
    public abstract bool IsUniform { get; }

    public override Shape InferShape(ReadOnlySpan<Shape> inputs) => throw new InvalidOperationException("A leaf is made with its shape.");

    public override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output) =>
        throw new InvalidOperationException("A leaf's value comes from the call.");

    public override Expr? Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions) => null;

    public override Expr? Cotangent(Expr node, Expr cotangent, int index) => null;

    internal override void Lower(Expr node, ILowering machine) => machine.Given();
}

internal sealed class ConstantLeaf(double[] values) : Leaf
{
    public double[] Values { get; } = values;

    public override string Name => "constant";

    public override bool IsUniform => true;

    public override string ToString() => Values.Length == 1 ? FormattableString.Invariant($"{Values[0]}") : Name;
}

internal abstract class NamedLeaf(string name) : Leaf
{
    public override string Name { get; } = name;
}

internal sealed class InputLeaf(string name) : NamedLeaf(name)
{
    public override bool IsUniform => false;
}

internal sealed class SharedLeaf(string name) : NamedLeaf(name)
{
    public override bool IsUniform => true;
}

internal sealed class StepLeaf(string name) : NamedLeaf(name)
{
    public override bool IsUniform => true;
}

internal sealed class ParameterLeaf(string name) : NamedLeaf(name)
{
    public override bool IsUniform => true;
}

/// <summary>The distribution of a random node's elements.</summary>
public enum RandomLaw
{
    /// <summary>Uniform on (0, 1).</summary>
    Uniform,

    /// <summary>Standard normal.</summary>
    Normal,

    /// <summary>-1 or 1, each with probability 1/2.</summary>
    Rademacher,

    /// <summary>Exponential with mean 1.</summary>
    Exponential,
}

internal sealed class RandomLeaf(RandomLaw law, int stream) : Leaf
{
    public RandomLaw Law { get; } = law;

    public int Stream { get; } = stream;

    public override string Name => $"random {Law}";

    public override bool IsUniform => false;

    internal override void Lower(Expr node, ILowering machine) => machine.Draw(Law, Stream);
}
