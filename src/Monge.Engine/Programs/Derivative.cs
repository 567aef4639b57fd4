using System.Runtime.InteropServices;
using Monge.Engine.Arrays;
using Monge.Engine.LinearAlgebra;

namespace Monge.Engine.Programs;

/// <summary>
/// Derivatives of traced values, each again a traced value, so they compose in any order. Tangents are a trailing axis: the derivative of a value
/// [.., n] along K directions is [.., n, K].
/// </summary>
/// <remarks> Any value may be differentiated by, but tracing looks through views: a slice of a concatenation is a slice of one of its parts.
/// Where a value was thus traced past the view that it is differentiated by, every method here throws an <see cref="ArgumentException"/> rather
/// than leave a part of the derivative out.
/// </remarks>
public static class Derivative
{
    /// <summary>The gradient of a scalar, of the shape of <paramref name="x"/>.</summary>
    /// <param name="value">A scalar [].</param>
    /// <param name="x">Any value the scalar was traced from (zero if it wasn't).</param>
    /// <exception cref="ShapeException">The value is not a scalar.</exception>
    /// <exception cref="ArgumentException">x is a view (a concatenation, slice, reshape, ...) and the value was traced
    /// past it from what x was made of.</exception>
    public static Expr Gradient(Expr value, Expr x) => Gradients(value, x)[0];

    /// <summary>The gradients of a scalar to several values, by one reverse sweep.</summary>
    /// <exception cref="ShapeException">The value is not a scalar.</exception>
    public static Expr[] Gradients(Expr value, params Expr[] x)
    {
        if (value.Shape.Rank != 0)
        {
            throw new ShapeException($"gradient: the differentiated value has shape {value.Shape}; it must be a scalar (use Jacobian or VectorJacobian).");
        }

        return VectorJacobians(value, 1, x);
    }

    /// <summary>The vector-Jacobian product v^T dy/dx, of the shape of <paramref name="x"/>.</summary>
    /// <param name="y">The differentiated value.</param>
    /// <param name="v">The cotangent, of the shape of <paramref name="y"/>.</param>
    /// <param name="x">Where to differentiate.</param>
    public static Expr VectorJacobian(Expr y, Expr v, Expr x) => VectorJacobians(y, v, x)[0];

    /// <summary>Vector-Jacobian products to several values, by one reverse sweep.</summary>
    /// <exception cref="ShapeException">The cotangent's shape is not that of the value.</exception>
    public static Expr[] VectorJacobians(Expr y, Expr v, params Expr[] x)
    {
        if (v.Shape != y.Shape)
        {
            throw new ShapeException($"vector-Jacobian product: the value has shape {y.Shape} and the cotangent {v.Shape}; they must agree.");
        }

        var totals = new Dictionary<Expr, Expr> { [y] = v };
        var sums = new Dictionary<Expr, CotangentSum>();
        Expr? Total(Expr node)
        {
            if (!totals.TryGetValue(node, out var total) && sums.Remove(node, out var sum) && sum.Total(node) is { } added)
            {
                totals[node] = total = added;
            }

            return total;
        }

        CotangentSum SumOf(Expr node) => CollectionsMarshal.GetValueRefOrAddDefault(sums, node, out _) ??= new CotangentSum();

        foreach (var source in x)
        {
            RefuseBypassedView(source, y);
        }

        var path = Between(x, [y]);
        var reached = path.ToHashSet();
        for (var at = path.Count - 1; at >= 0; at--)
        {
            var node = path[at];
            if (Total(node) is not { } cotangent)
            {
                continue;
            }

            if (node.Operation is ScanOperation scan)
            {
                var parts = scan.Cotangents(node, cotangent, [.. node.Inputs.Select(reached.Contains)]);
                for (var i = 0; i < parts.Length; i++)
                {
                    if (parts[i] is { } part)
                    {
                        SumOf(node.Inputs[i]).Add(node.Inputs[i], part);
                    }
                }

                continue;
            }

            for (var i = 0; i < node.Inputs.Count; i++)
            {
                if (reached.Contains(node.Inputs[i]))
                {
                    SumOf(node.Inputs[i]).Add(node, cotangent, i);
                }
            }
        }

        return [.. x.Select(target => Total(target) ?? Expr.Constant(0).BroadcastTo(target.Shape))];
    }

    /// <summary>The Jacobian-vector products [y.., K] along K directions at once.</summary>
    /// <param name="y">The differentiated value.</param>
    /// <param name="x">Where to differentiate.</param>
    /// <param name="directions">The directions [x.., K].</param>
    /// <exception cref="ShapeException">The directions don't have the shape of <paramref name="x"/> and one more axis.</exception>
    public static Expr JacobianVectors(Expr y, Expr x, Expr directions)
    {
        CheckDirections(x, directions);
        return Forward(y, x, directions, null).Tangent;
    }

    /// <summary>The Jacobian-vector product, of the shape of <paramref name="y"/>, along one direction of the shape of <paramref name="x"/>.</summary>
    public static Expr JacobianVector(Expr y, Expr x, Expr direction) =>
        JacobianVectors(y, x, direction.WithTrailingAxis()).Reshape(y.Shape.Sizes);

    /// <summary>The product of the Hessian of a scalar with a vector of the shape of <paramref name="x"/>.</summary>
    public static Expr HessianVector(Expr value, Expr x, Expr vector) => JacobianVector(Gradient(value, x), x, vector);

    /// <summary>The Jacobian [y.., x..], forward or in reverse, whichever needs fewer directions.</summary>
    public static Expr Jacobian(Expr y, Expr x)
    {
        Shape shape = new([.. y.Shape.Sizes, .. x.Shape.Sizes]);
        if (x.Size <= y.Size)
        {
            return Forward(y, x, Expr.Identity(x.Size).Reshape(x.Shape.Append(x.Size).Sizes), null).Tangent.Reshape(shape.Sizes);
        }

        var flat = y.Reshape(y.Size);
        var rows = new Expr[y.Size];
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = Gradient(flat[i], x);
        }

        return Expr.Stack(0, rows).Reshape(shape.Sizes);
    }

    /// <summary>The Hessian [n, n] of a scalar at a vector [n].</summary>
    public static Expr Hessian(Expr value, Expr x) => Jacobian(Gradient(value, x), x);

    /// <summary>The exact divergence of a vector field [d] at x [d], by one pass with d tangents.</summary>
    /// <exception cref="ShapeException">Field and position differ in shape.</exception>
    public static Expr Divergence(Expr field, Expr x)
    {
        CheckField(field, x);
        return Forward(field, x, Expr.Identity(x.Size), null).Tangent.Trace();
    }

    /// <summary>
    /// The unbiased estimate mean_k v_k . (db/dx v_k) of the divergence (Hutchinson 1989) from probes with independent elements of mean 0 and variance 1.
    /// </summary>
    /// <param name="field">The field [d].</param>
    /// <param name="x">The position [d].</param>
    /// <param name="probes">The probes [d] or [d, K], for example <see cref="Expr.Random"/> with the Rademacher or the normal law.</param>
    /// <exception cref="ShapeException">Field, position and probes don't fit.</exception>
    public static Expr HutchinsonDivergence(Expr field, Expr x, Expr probes)
    {
        CheckField(field, x);
        var v = probes.Shape.Rank == 1 ? probes.WithTrailingAxis() : probes;
        CheckDirections(x, v);
        return (v * Forward(field, x, v, null).Tangent).Sum() / v.Shape[1];
    }

    /// <summary>
    /// Value, gradient and Laplacian of a scalar u at x [d] by one forward pass that carries all three.
    /// </summary>
    /// <param name="value">The scalar u; or any value, whose Laplacian is taken elementwise.</param>
    /// <param name="x">The position [d].</param>
    /// <param name="weights">Optional constant weights w [d] of the axes: sum_i w_i d2u/dx_i2.</param>
    public static SecondOrderDerivative Laplacian(Expr value, Expr x, Expr? weights = null)
    {
        var d = x.Size;
        var w = weights ?? Expr.Constant(1).BroadcastTo(new Shape(d));
        if (w.Shape != new Shape(d))
        {
            throw new ShapeException($"Laplacian: the weights have shape {w.Shape}; they must be [{d}], one for each axis of the position.");
        }

        var pass = Forward(value, x, Expr.Identity(d).Reshape(x.Shape.Append(d).Sizes), w);
        return new SecondOrderDerivative(value, pass.Tangent, pass.Second);
    }

    /// <summary>
    /// tr(A Hess u) with a constant symmetric matrix A [d, d], by one forward pass along the eigenvectors of A.
    /// The tangents of the result are the derivatives along those eigenvectors.
    /// </summary>
    /// <exception cref="ArgumentException">A is not a symmetric matrix of the position's size.</exception>
    public static SecondOrderDerivative WeightedLaplacian(Expr value, Expr x, double[,] matrix)
    {
        var d = x.Size;
        if (matrix.GetLength(0) != d || matrix.GetLength(1) != d)
        {
            throw new ArgumentException(
                $"Laplacian: the weight matrix is {matrix.GetLength(0)} x {matrix.GetLength(1)}; it must be {d} x {d}.", nameof(matrix));
        }

        double[] entries = [.. matrix.Cast<double>()];
        var largest = entries.Max(Math.Abs);
        if (Enumerable.Range(0, d * d).Any(i => Math.Abs(entries[i] - entries[(i % d * d) + (i / d)]) > 1e-12 * largest))
        {
            throw new ArgumentException("Laplacian: the weight matrix is not symmetric.", nameof(matrix));
        }

        var (values, vectors) = SymmetricEigen.DecomposeAsStored(entries, d);
        var norm = values.Max(Math.Abs);
        var kept = Enumerable.Range(0, d).Where(k => Math.Abs(values[k]) > 1e-14 * norm).ToArray();
        if (kept.Length == 0)
        {
            return new SecondOrderDerivative(value, Expr.Constant(0).BroadcastTo(value.Shape.Append(1)), Expr.Constant(0).BroadcastTo(value.Shape));
        }

        var directions = new double[d * kept.Length];
        for (var i = 0; i < d; i++)
        {
            for (var k = 0; k < kept.Length; k++)
            {
                directions[(i * kept.Length) + k] = vectors[(i * d) + kept[k]];
            }
        }

        double[] weights = [.. kept.Select(k => values[k])];
        var pass = Forward(value, x, Expr.Constant(directions, [.. x.Shape.Sizes, kept.Length]), Expr.Constant(weights, kept.Length));
        return new SecondOrderDerivative(value, pass.Tangent, pass.Second);
    }

    /// <summary>
    /// The gradient [P] of one sample's scalar to all parameters, in the order of the set; <see cref="Expr.BatchSum"/>
    /// of it is the gradient of the batch's sum.
    /// </summary>
    public static Expr ParameterGradient(Expr value, ParameterSet parameters) =>
        Expr.Concat(0, [.. Gradients(value, [.. parameters.Blocks.Select(b => b.Value)]).Select(g => g.Reshape(g.Size))]);

    /// <summary>The Jacobian [m, P] of one sample's vector [m] to all parameters, in the order of the set.</summary>
    public static Expr ParameterJacobian(Expr values, ParameterSet parameters)
    {
        var flat = values.Reshape(values.Size);
        return Expr.Stack(0, [.. Enumerable.Range(0, flat.Size).Select(i => ParameterGradient(flat[i], parameters))]);
    }

    private static void CheckField(Expr field, Expr x)
    {
        if (x.Shape.Rank != 1 || field.Shape != x.Shape)
        {
            throw new ShapeException($"divergence: the field has shape {field.Shape} and the position {x.Shape}; both must be vectors of one length.");
        }
    }

    private static void CheckDirections(Expr x, Expr directions)
    {
        if (directions.Shape.Rank != x.Shape.Rank + 1 || directions.Shape[..^1] != x.Shape)
        {
            throw new ShapeException(
                $"Jacobian-vector product: the position has shape {x.Shape} and the directions {directions.Shape}; they must be {x.Shape} and one more axis.");
        }
    }

    private static (Expr Tangent, Expr Second) Forward(Expr y, Expr x, Expr directions, Expr? weights)
    {
        RefuseBypassedView(x, y);
        var (first, second) = Forward([y], new Dictionary<Expr, Expr> { [x] = directions }, new Dictionary<Expr, Expr>(), directions.Shape[^1], weights);
        return (first[0] ?? Expr.Constant(0).BroadcastTo(y.Shape.Append(directions.Shape[^1])), second[0] ?? Expr.Constant(0).BroadcastTo(y.Shape));
    }

    /// <summary>
    /// The forward pass: tangents [.., K] and, with weights [K], the second-order term sum_k w_k D2 y[v_k, v_k] and what comes of the sources' own; null is
    /// zero.
    /// </summary>
    /// <param name="values">The differentiated values.</param>
    /// <param name="sourceTangents">The tangents of the sources.</param>
    /// <param name="sourceSeconds">Second-order terms that sources have themselves.</param>
    /// <param name="directions">K.</param>
    /// <param name="weights">The weights; null for tangents alone.</param>
    internal static (Expr?[] Tangents, Expr?[] Seconds) Forward(
        IReadOnlyList<Expr> values, IReadOnlyDictionary<Expr, Expr> sourceTangents, IReadOnlyDictionary<Expr, Expr> sourceSeconds, int directions,
        Expr? weights)
    {
        var (tangents, seconds) = (new Dictionary<Expr, Expr>(sourceTangents), new Dictionary<Expr, Expr>(sourceSeconds));
        foreach (var node in Between([.. sourceTangents.Keys.Union(sourceSeconds.Keys)], values))
        {
            if (sourceTangents.ContainsKey(node) || sourceSeconds.ContainsKey(node))
            {
                continue;
            }

            var inputTangents = new Expr?[node.Inputs.Count];
            var inputSeconds = new Expr?[node.Inputs.Count];
            for (var i = 0; i < inputTangents.Length; i++)
            {
                tangents.TryGetValue(node.Inputs[i], out inputTangents[i]);
                inputSeconds[i] = seconds.TryGetValue(node.Inputs[i], out var s) ? s.WithTrailingAxis() : null;
            }

            var hasTangent = inputTangents.Any(t => t is not null);
            if (hasTangent && node.Operation.Tangent(node, inputTangents, directions) is { IsZero: false } tangent)
            {
                tangents[node] = tangent;
            }

            if (weights is null)
            {
                continue;
            }

            var linear = inputSeconds.All(s => s is null) ? null : node.Operation.Tangent(node, inputSeconds, 1)?.Reshape(node.Shape.Sizes);
            var curved = hasTangent ? node.Operation.SecondOrder(node, inputTangents, weights) : null;
            if ((linear is null ? curved : curved is null ? linear : linear + curved) is { IsZero: false } second)
            {
                seconds[node] = second;
            }
        }

        return ([.. values.Select(v => tangents.GetValueOrDefault(v))], [.. values.Select(v => seconds.GetValueOrDefault(v))]);
    }

    // Operations that tracing looks through: applying another of their kind, or a slice, may give a value made of their inputs instead of theirs.
    private static bool IsView(Expr value) =>
        value.Operation is ConcatOperation or GatherOperation or ReshapeOperation or TransposeOperation or BroadcastOperation or NegateOperation;

    private static void RefuseBypassedView(Expr x, Expr y)
    {
        if (!IsView(x))
        {
            return;
        }

        // What x shows, views between included. Constants carry no derivative.
        var shown = new HashSet<Expr>();
        var stack = new Stack<Expr>([x]);
        var oldest = long.MaxValue;
        while (stack.TryPop(out var view))
        {
            foreach (var input in view.InputSpan)
            {
                if (!input.IsConstant && shown.Add(input))
                {
                    oldest = Math.Min(oldest, input.Id);
                    if (IsView(input))
                    {
                        stack.Push(input);
                    }
                }
            }
        }

        // A walk from y that enters neither x nor what is not differentiated.
        var seen = new HashSet<Expr> { x };
        if (seen.Add(y))
        {
            stack.Push(y);
        }

        while (stack.TryPop(out var node))
        {
            if (shown.Contains(node))
            {
                throw new ArgumentException(
                    $"The derivative is asked by a {x.Operation.Name} of shape {x.Shape}, but the value uses what that was made of ({node.Operation.Name} of "
                    + $"shape {node.Shape}) past it, so the derivative would miss a part; differentiate by the parts, or trace the value at an input of its "
                    + "own.",
                    nameof(x));
            }

            foreach (var input in node.InputSpan)
            {
                if (node.Operation is not StopGradientOperation && input.Id >= oldest && seen.Add(input))
                {
                    stack.Push(input);
                }
            }
        }
    }

    // The nodes on paths from the sources to the values, oldest first (so inputs stand before what uses them).
    private static List<Expr> Between(IReadOnlyList<Expr> sources, IReadOnlyList<Expr> values)
    {
        // Nothing older than the sources can depend on them.
        var oldest = sources.Select(s => s.Id).DefaultIfEmpty(long.MaxValue).Min();
        var reached = sources.ToHashSet();
        return [.. Rebuilding.Between(values, n => n.Id >= oldest).Where(node =>
        {
            foreach (var input in node.InputSpan)
            {
                if (reached.Contains(input))
                {
                    reached.Add(node);
                }
            }

            return reached.Contains(node);
        })];
    }
}

/// <summary>What the Laplacian pass gives.</summary>
/// <param name="Value">The value u.</param>
/// <param name="Gradient">The first derivatives [u.., K] along the directions; the gradient for the axes' own directions.</param>
/// <param name="Laplacian">The weighted sum of second derivatives, of the shape of u.</param>
public sealed record SecondOrderDerivative(Expr Value, Expr Gradient, Expr Laplacian);
