namespace Monge.Engine.Programs;

/// <summary>
/// Puts a formula in the place of an input. Where elements of the input enter by the logarithm, the root or a power of a distance a x + b, the logarithm of
/// that distance can be given by a formula of its own: near b = -a x the distance itself has no digits left, though its logarithm is well known.
/// </summary>
public static class Substitution
{
    /// <summary>The traced value with a formula in place of an input.</summary>
    /// <param name="root">The traced value.</param>
    /// <param name="input">The input, a vector [n].</param>
    /// <param name="value">What takes its place [n].</param>
    /// <param name="logDistance">
    /// log(a x + b) [n] for the elements of the input that a place uses, for the slope a and the offset b there; other elements may be anything. Null where
    /// there is no better formula than the logarithm of the distance.
    /// </param>
    /// <returns>The value, and whether any logarithm was given.</returns>
    public static (Expr Value, bool IsChanged) Replace(
        Expr root, Expr input, Expr value, Func<IReadOnlyList<int>, double, double, Expr?> logDistance)
    {
        ArgumentNullException.ThrowIfNull(root);
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(logDistance);
        var pass = new Pass(input, value, logDistance);
        foreach (var node in TracedProgram.Collect([root]))
        {
            pass.Visit(node);
        }

        return (pass.Made(root), pass.IsChanged);
    }

    // Rearranged elements of the input times a slope plus an offset.
    private sealed record Affine(int[] Elements, Func<Expr, Expr> View, double Slope, double Offset);

    private sealed class Pass(Expr input, Expr value, Func<IReadOnlyList<int>, double, double, Expr?> logDistance)
    {
        private readonly Dictionary<Expr, Expr> _made = [];
        private readonly Dictionary<Expr, Affine> _affine = [];
        private readonly Dictionary<Expr, Expr> _logs = [];

        public bool IsChanged { get; private set; }

        public Expr Made(Expr node) => _made[node];

        public void Visit(Expr node)
        {
            if (ReferenceEquals(node, input))
            {
                _made[node] = value;
                _affine[node] = new Affine([.. Enumerable.Range(0, input.Size)], leaf => leaf, 1, 0);
            }
            else if (node.Inputs.Count == 0)
            {
                _made[node] = node;
            }
            else
            {
                _made[node] = ByLogarithm(node) ?? Expr.Create(node.Operation, [.. node.Inputs.Select(Made)]);
                if (FindAffine(node) is { } affine)
                {
                    _affine[node] = affine;
                }
            }

            if (FindLog(node) is not { } log)
            {
                return;
            }

            _logs[node] = log;

            // A distance that a sum makes has lost its digits; what is only rearranged or scaled has all of them.
            if (node.Operation is AddOperation or SubtractOperation)
            {
                (_made[node], IsChanged) = (log.Exp(), true);
            }
        }

        private Expr? ByLogarithm(Expr node)
        {
            var made = node.Operation switch
            {
                FunctionOperation f when f == FunctionOperation.Log => _logs.GetValueOrDefault(node.Inputs[0]),
                FunctionOperation f when f == FunctionOperation.Log1p => _affine.TryGetValue(node.Inputs[0], out var affine)
                    ? Log(affine with { Offset = affine.Offset + 1 })
                    : node.Inputs[0].Operation is NegateOperation ? LogSquares(1, node.Inputs[0].Inputs[0]) : null,
                FunctionOperation f when f == FunctionOperation.Sqrt => LogPower(node, 0.5)?.Exp(),
                PowOperation when node.Inputs[1].UniformConstant is { } power => LogPower(node, power)?.Exp(),
                _ => null,
            };
            IsChanged |= made is not null;
            return made;
        }

        private Expr? LogPower(Expr node, double power) => _logs.TryGetValue(node.Inputs[0], out var log) ? power * log : null;

        // The logarithm of a node, if a better one than that of its value is known.
        private Expr? FindLog(Expr node)
        {
            if (_affine.TryGetValue(node, out var affine))
            {
                return Log(affine);
            }

            return node.Operation switch
            {
                SubtractOperation when node.Inputs[0].UniformConstant is { } number => LogSquares(number, node.Inputs[1]),
                MultiplyOperation when LogOfFactor(node.Inputs[0]) is { } a && LogOfFactor(node.Inputs[1]) is { } b => a + b,
                DivideOperation when LogOfFactor(node.Inputs[0]) is { } a && LogOfFactor(node.Inputs[1]) is { } b => a - b,
                FunctionOperation f when f == FunctionOperation.Sqrt => LogPower(node, 0.5),
                PowOperation when node.Inputs[1].UniformConstant is { } power => LogPower(node, power),
                _ => null,
            };
        }

        // log(c - k v^2) = log k + log(r - v) + log(r + v) with r^2 = c / k, for v = a x + b.
        private Expr? LogSquares(double number, Expr subtracted)
        {
            var (square, factor) = subtracted.Operation is MultiplyOperation && subtracted.Inputs[0].UniformConstant is { } k
                ? (subtracted.Inputs[1], k) : (subtracted, 1.0);
            if (!(number > 0) || !(factor > 0) || square.Operation is not MultiplyOperation || !ReferenceEquals(square.Inputs[0], square.Inputs[1])
                || !_affine.TryGetValue(square.Inputs[0], out var v))
            {
                return null;
            }

            var root = Math.Sqrt(number / factor);
            return Log(v with { Slope = -v.Slope, Offset = root - v.Offset }) is { } above && Log(v with { Offset = root + v.Offset }) is { } below
                ? Math.Log(factor) + above + below
                : null;
        }

        private Expr? LogOfFactor(Expr factor) => _logs.GetValueOrDefault(factor)
            ?? (factor.UniformConstant is { } number and > 0 ? Expr.Constant(Math.Log(number)).BroadcastTo(factor.Shape) : null);

        private Expr? Log(Affine affine) => logDistance(affine.Elements, affine.Slope, affine.Offset) is { } log ? affine.View(log) : null;

        private Affine? FindAffine(Expr node)
        {
            switch (node.Operation)
            {
                case BroadcastOperation or ReshapeOperation or TransposeOperation or GatherOperation when _affine.TryGetValue(node.Inputs[0], out var viewed):
                    var (operation, map) = ((ViewOperation)node.Operation, new int[node.Size]);
                    operation.Map(node.Inputs[0].Shape, node.Shape, map);
                    return map.Any(at => at < 0)
                        ? null
                        : viewed with { Elements = [.. map.Select(at => viewed.Elements[at])], View = leaf => Expr.Create(operation, viewed.View(leaf)) };
                case NegateOperation when _affine.TryGetValue(node.Inputs[0], out var negated):
                    return negated with { Slope = -negated.Slope, Offset = -negated.Offset };
                case AddOperation or SubtractOperation or MultiplyOperation:
                    var (left, right) = (node.Inputs[0], node.Inputs[1]);
                    return _affine.TryGetValue(left, out var first) && right.UniformConstant is { } after ? Combine(node.Operation, first, after, false)
                        : _affine.TryGetValue(right, out var second) && left.UniformConstant is { } before ? Combine(node.Operation, second, before, true)
                        : null;
                default:
                    return null;
            }
        }

        private static Affine Combine(Operation operation, Affine affine, double number, bool isNumberFirst) => operation switch
        {
            MultiplyOperation => affine with { Slope = number * affine.Slope, Offset = number * affine.Offset },
            AddOperation => affine with { Offset = affine.Offset + number },
            _ when isNumberFirst => affine with { Slope = -affine.Slope, Offset = number - affine.Offset },
            _ => affine with { Offset = affine.Offset - number },
        };
    }
}
