using System.Runtime.InteropServices;
using Monge.Engine.Arrays;

namespace Monge.Engine.Programs;

/// <summary>
/// A traced value of one sample: a node of a program, with its shape and the operation that makes it. Immutable; equal nodes are the same object,
/// so common subexpressions are shared while tracing. Arithmetic broadcasts as NumPy does. There is no batch axis: the program is applied to every sample.
/// </summary>
public sealed partial class Expr
{
    private static long s_count;
    private static readonly Lock s_constantsLock = new();
    private static readonly Dictionary<double, WeakReference<Expr>> s_constants = [];
    private const int FewConstants = 20_000;
    private static int s_mostConstants = FewConstants;

    private readonly Expr[] _inputs;
    private readonly bool _isFixed;

    // Nodes made of this one, kept alive with it: one that was collected and made anew would be younger, and the order in which derivatives are summed,
    // and with it the last bit of a result, would depend on the garbage collector.
    private Dictionary<NodeKey, Expr>? _consumers;

    private Expr(Operation operation, Expr[] inputs, Shape shape)
    {
        Operation = operation;
        _inputs = inputs;
        Shape = shape;
        Id = Interlocked.Increment(ref s_count);
        _isFixed = operation is ConstantLeaf || (inputs.Length > 0 && inputs.All(i => i._isFixed));
        IsUniform = operation switch
        {
            Leaf leaf => leaf.IsUniform,
            BatchSumOperation => true,
            _ => inputs.All(i => i.IsUniform),
        };
        IsPerStep = operation is StepLeaf || inputs.Any(i => i.IsPerStep);
    }

    /// <summary>The operation that makes this value.</summary>
    public Operation Operation { get; }

    /// <summary>The arguments of the operation.</summary>
    public IReadOnlyList<Expr> Inputs => _inputs;

    /// <summary>The shape of the value (of one sample).</summary>
    public Shape Shape { get; }

    /// <summary>Number of elements.</summary>
    public int Size => Shape.Size;

    /// <summary>Whether the value is the same for all samples: made of parameters, shared inputs and constants only.</summary>
    public bool IsUniform { get; }

    /// <summary>Order of creation; the inputs of a node are always older than the node.</summary>
    internal long Id { get; }

    /// <summary>Whether the value depends on an input that changes from step to step of an iterated program.</summary>
    public bool IsPerStep { get; }

    internal ReadOnlySpan<Expr> InputSpan => _inputs;

    /// <summary>A number is a constant scalar.</summary>
    public static implicit operator Expr(double value) => Constant(value);

    /// <summary>A constant scalar.</summary>
    public static Expr Constant(double value)
    {
        lock (s_constantsLock)
        {
            // Zeros of either sign are one constant: signed zeros are not kept apart in traced programs.
            var key = value == 0 ? 0.0 : value;
            if (s_constants.TryGetValue(key, out var weak) && weak.TryGetTarget(out var known))
            {
                return known;
            }

            if (s_constants.Count >= s_mostConstants)
            {
                foreach (var dead in s_constants.Where(p => !p.Value.TryGetTarget(out _)).Select(p => p.Key).ToList())
                {
                    s_constants.Remove(dead);
                }

                // The next look comes when as many have been made as are in use, so that a constant's share of the looks stays the same.
                s_mostConstants = Math.Max(FewConstants, 2 * s_constants.Count);
            }

            var made = new Expr(new ConstantLeaf([key]), [], Shape.Scalar);
            s_constants[key] = new WeakReference<Expr>(made);
            return made;
        }
    }

    /// <summary>A constant array, row-major. An array of equal numbers becomes a stretched scalar.</summary>
    /// <param name="values">The numbers.</param>
    /// <param name="sizes">The sizes of the axes; without them several numbers are a vector and one is a scalar.</param>
    /// <exception cref="ShapeException">The number of values is not that of the shape.</exception>
    /// <exception cref="ArgumentException">An element is NaN.</exception>
    public static Expr Constant(ReadOnlySpan<double> values, params ReadOnlySpan<int> sizes)
    {
        var shape = sizes.IsEmpty && values.Length > 1 ? new Shape(values.Length) : new Shape(sizes);
        if (shape.Size != values.Length)
        {
            throw new ShapeException($"constant: {values.Length} values were given for shape {shape}, which needs {shape.Size}.");
        }

        for (var i = 0; i < values.Length; i++)
        {
            if (double.IsNaN(values[i]))
            {
                var strides = shape.Strides();
                var index = string.Join(", ", Enumerable.Range(0, shape.Rank).Select(axis => i / strides[axis] % shape[axis]));
                throw new ArgumentException(
                    $"constant: element [{index}] of shape {shape} is NaN; leave missing values out, or put numbers in their place.", nameof(values));
            }
        }

        return Filled(values, shape);
    }

    private static Expr Filled(ReadOnlySpan<double> values, Shape shape) => values.Length == 1 || values.IndexOfAnyExcept(values[0]) < 0
        ? Constant(values[0]).BroadcastTo(shape)
        : new Expr(new ConstantLeaf(values.ToArray()), [], shape);

    /// <summary>The identity matrix [n, n].</summary>
    public static Expr Identity(int n)
    {
        var values = new double[n * n];
        for (var i = 0; i < n; i++)
        {
            values[(i * n) + i] = 1;
        }

        return Constant(values, n, n);
    }

    /// <summary>An input with one value of the given shape for each sample.</summary>
    public static Expr Input(string name, params ReadOnlySpan<int> sizes) => new(new InputLeaf(name), [], new Shape(sizes));

    /// <summary>An input that is the same for all samples of a call (a step size, an inverse temperature, ...).</summary>
    public static Expr Shared(string name, params ReadOnlySpan<int> sizes) => new(new SharedLeaf(name), [], new Shape(sizes));

    /// <summary>An input that is the same for all samples but differs from step to step of an iterated program (the time t_k, ...).</summary>
    public static Expr PerStep(string name, params ReadOnlySpan<int> sizes) => new(new StepLeaf(name), [], new Shape(sizes));

    /// <summary>Random numbers, fresh for each sample and step; equal (seed, stream, step, sample) give equal numbers whatever the tiling.</summary>
    /// <param name="law">The distribution of each element, independent.</param>
    /// <param name="stream">The stream: two nodes with one stream draw the same numbers, so give each purpose its own.</param>
    /// <param name="sizes">The shape for one sample.</param>
    public static Expr Random(RandomLaw law, int stream, params ReadOnlySpan<int> sizes) => new(new RandomLeaf(law, stream), [], new Shape(sizes));

    /// <summary>A leaf made by the execution planner.</summary>
    internal static Expr Leaf(Leaf leaf, Shape shape) => new(leaf, [], shape);

    internal static Expr Parameter(string name, Shape shape) => new(new ParameterLeaf(name), [], shape);

    /// <summary>Makes a node, or returns the one that exists for this operation and these inputs; constants are folded.</summary>
    internal static Expr Create(Operation operation, params Expr[] inputs)
    {
        Span<Shape> shapes = new Shape[inputs.Length];
        for (var i = 0; i < inputs.Length; i++)
        {
            shapes[i] = inputs[i].Shape;
        }

        var shape = operation.InferShape(shapes);
        if (operation is not BatchSumOperation && TryFold(operation, inputs, shape) is { } folded)
        {
            return folded;
        }

        // The youngest input, but no constant if that can be: constants are shared by all programs and must not keep them alive.
        var anchor = inputs[0];
        foreach (var input in inputs)
        {
            if (input._isFixed == anchor._isFixed ? input.Id > anchor.Id : anchor._isFixed)
            {
                anchor = input;
            }
        }

        var key = new NodeKey(operation, inputs);
        lock (anchor._inputs)
        {
            var consumers = anchor._consumers ??= [];
            ref var slot = ref CollectionsMarshal.GetValueRefOrAddDefault(consumers, key, out var exists);
            return exists ? slot! : slot = new Expr(operation, inputs, shape);
        }
    }

    /// <summary>The value of a constant made of equal numbers (a stretched scalar), or null.</summary>
    internal double? UniformConstant
    {
        get
        {
            var node = this;
            while (node.Operation is BroadcastOperation or ReshapeOperation)
            {
                node = node._inputs[0];
            }

            return node.Operation is ConstantLeaf { Values.Length: 1 } c ? c.Values[0] : null;
        }
    }

    /// <summary>Whether the value is the same whatever the inputs, so that there is nothing to differentiate by.</summary>
    public bool IsConstant => ConstantValues is not null;

    internal bool IsZero => UniformConstant == 0;

    /// <summary>Whether nothing but the zeros of a padding is seen.</summary>
    internal bool IsNothing =>
        IsZero || ((Operation is ReshapeOperation ? _inputs[0] : this).Operation is GatherOperation gather && gather.Indices.All(i => i < 0));

    internal bool IsMadeOfConstants => _isFixed;

    /// <summary>Whether the value is made of constants only and small enough to fold.</summary>
    internal double[]? ConstantValues
    {
        get
        {
            if (Operation is ConstantLeaf { Values: var values })
            {
                return values;
            }

            if (UniformConstant is { } number && Size <= FoldLimit)
            {
                var filled = new double[Size];
                Array.Fill(filled, number);
                return filled;
            }

            return null;
        }
    }

    private const int FoldLimit = 1 << 16;

    private static Expr? TryFold(Operation operation, Expr[] inputs, Shape shape)
    {
        if (shape.Size > FoldLimit || operation is BroadcastOperation or UserOperation
            || (operation is ReshapeOperation && inputs[0].UniformConstant is not null))
        {
            return null;
        }

        var values = new double[inputs.Length][];
        var shapes = new Shape[inputs.Length];
        for (var i = 0; i < inputs.Length; i++)
        {
            if (inputs[i].ConstantValues is not { } v)
            {
                return null;
            }

            values[i] = v;
            shapes[i] = inputs[i].Shape;
        }

        var output = new double[shape.Size];
        operation.Evaluate(values, shapes, output);
        return Filled(output, shape);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Operation}{Shape}";

    private readonly struct NodeKey(Operation operation, Expr[] inputs) : IEquatable<NodeKey>
    {
        private readonly Operation _operation = operation;
        private readonly long[] _ids = Array.ConvertAll(inputs, i => i.Id);

        public bool Equals(NodeKey other) =>
            _operation.GetType() == other._operation.GetType()
            && (_operation is UserOperation ? ReferenceEquals(_operation, other._operation) : _operation.Key == other._operation.Key)
            && _ids.AsSpan().SequenceEqual(other._ids);

        public override bool Equals(object? obj) => obj is NodeKey other && Equals(other);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            hash.Add(_operation.GetType());
            hash.Add(_operation.Key);
            foreach (var id in _ids)
            {
                hash.Add(id);
            }

            return hash.ToHashCode();
        }
    }
}
