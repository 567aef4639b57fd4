using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Dynamics;

/// <summary>
/// Carries points through a row of maps grad psi_1, grad psi_2, ... of one <see cref="ConvexNetwork"/> with other parameters each, forward and back, with the
/// logarithm of the maps' Jacobian determinants: in double precision, many points at once.
/// </summary>
/// <param name="parameters">The network's parameters, declared.</param>
/// <param name="network">The network.</param>
/// <param name="execution">How to execute.</param>
public sealed class ConvexMaps(ParameterSet parameters, ConvexNetwork network, ExecutionOptions? execution = null) : IDisposable
{
    // Points of a call: few enough that results stay near the processor.
    private const int Block = 4096;
    private const int MostNewtonSteps = 200;
    private const string ShareName = "share";
    private const double LeastLength = 1e-12;

    private readonly NdArray<double> _values = new(parameters.Count);
    private readonly Expr _share = Expr.Shared(ShareName);
    private readonly NdArray<double> _shareValue = new();
    private CompiledProgram<double>? _forward;
    private CompiledProgram<double>? _scored;
    private CompiledProgram<double>? _newton;

    /// <summary>The parameters [P] of the map that is used next.</summary>
    public Span<double> Values => _values.Span;

    /// <summary>Moves points by the map, or by a part of it, in place.</summary>
    /// <param name="points">Points x [n * d], row-major; receives grad psi(x).</param>
    /// <param name="logDensity">log rho(x) [n]; receives the log density of the moved law at the moved points, less by log det Hess psi(x). Empty for
    /// none.</param>
    /// <param name="scores">grad log rho(x) [n * d]; receives the moved law's score, Hess psi(x)^-1 (grad log rho - grad log det Hess psi)(x). Empty for
    /// none.</param>
    /// <param name="share">How far along straight lines points are moved, s from 0 to 1: the map is the gradient of (1 - s) |x|^2 / 2 + s psi (R. McCann, "A
    /// convexity principle for interacting gases", 1997).</param>
    /// <exception cref="ArithmeticException">The Hessian isn't positive definite at a point, or the map isn't finite there.</exception>
    public void Push(Span<double> points, Span<double> logDensity, Span<double> scores = default, double share = 1)
    {
        var d = network.Dimension;
        _shareValue[0] = share;
        var program = scores.IsEmpty ? _forward ??= Forward(false) : _scored ??= Forward(true);
        for (var first = 0; first < points.Length / d; first += Block)
        {
            var n = Math.Min(Block, (points.Length / d) - first);
            var part = points.Slice(first * d, n * d);
            part.CopyTo(program["x"].Span);
            if (!scores.IsEmpty)
            {
                scores.Slice(first * d, n * d).CopyTo(program["score"].Span);
            }

            program.Run(n);
            var logs = program["logDeterminant"].Span[..n];
            CheckFinite(logs, part, d);
            program["moved"].Span[..(n * d)].CopyTo(part);
            if (!scores.IsEmpty)
            {
                program["movedScore"].Span[..(n * d)].CopyTo(scores[(first * d)..]);
            }

            for (var i = 0; i < n && !logDensity.IsEmpty; i++)
            {
                logDensity[first + i] -= logs[i];
            }
        }
    }

    /// <summary>
    /// Moves points back: for each y the x with grad psi(x) = y, the least of psi(x) - x . y, by Newton's method with halved steps from x = y. In place.
    /// </summary>
    /// <param name="points">Points y [n * d], row-major; receives x.</param>
    /// <param name="logDeterminant">Receives log det Hess psi(x) [n], added to what it holds. Empty for none.</param>
    /// <param name="tolerance">How near grad psi(x) comes to y, relative to 1 + |y|.</param>
    /// <param name="share">The part of the map, as of <see cref="Push"/>.</param>
    /// <exception cref="ArithmeticException">Newton's method doesn't reach the tolerance at a point.</exception>
    public void Invert(Span<double> points, Span<double> logDeterminant, double tolerance = 1e-9, double share = 1)
    {
        var d = network.Dimension;
        _newton ??= Newton();
        _shareValue[0] = share;
        var lengths = new double[Block];
        var objective = new double[Block];
        for (var first = 0; first < points.Length / d; first += Block)
        {
            var n = Math.Min(Block, (points.Length / d) - first);
            Solve(points.Slice(first * d, n * d), logDeterminant.IsEmpty ? [] : logDeterminant.Slice(first, n), lengths, objective, tolerance);
        }
    }

    // Damped Newton steps on all points of a block at once; a point that has arrived stays.
    private void Solve(Span<double> points, Span<double> logDeterminant, double[] lengths, double[] objective, double tolerance)
    {
        var (d, newton) = (network.Dimension, _newton!);
        var n = points.Length / d;
        var x = newton["x"].Span;
        var y = newton["y"].Span;
        points.CopyTo(y);
        points.CopyTo(x);
        var (kept, direction) = (points.ToArray(), new double[n * d]);
        Array.Fill(objective, double.PositiveInfinity);
        Array.Fill(lengths, 1);
        var worst = 0;
        for (var step = 0; step < MostNewtonSteps; step++)
        {
            newton.Run(n);
            var values = newton["value"].Span;
            var misses = newton["miss"].Span;
            var moves = newton["move"].Span;
            var open = 0;
            for (var i = 0; i < n; i++)
            {
                var at = i * d;
                if (misses[i] <= tolerance)
                {
                    continue;
                }

                open++;
                worst = i;

                // Rounding may keep the objective from falling where the miss is already small.
                if (values[i] <= objective[i] + (1e-12 * Math.Abs(objective[i])) || (step == 0 && double.IsFinite(values[i])))
                {
                    objective[i] = values[i];
                    x.Slice(at, d).CopyTo(kept.AsSpan(at));
                    moves.Slice(at, d).CopyTo(direction.AsSpan(at));
                    lengths[i] = 1;
                }
                else
                {
                    lengths[i] = Math.Max(LeastLength, lengths[i] / 2);
                }

                for (var k = 0; k < d; k++)
                {
                    x[at + k] = kept[at + k] + (lengths[i] * direction[at + k]);
                }
            }

            if (open == 0)
            {
                x[..(n * d)].CopyTo(points);
                var logs = newton["logDeterminant"].Span;
                for (var i = 0; i < n && !logDeterminant.IsEmpty; i++)
                {
                    logDeterminant[i] += logs[i];
                }

                return;
            }
        }

        throw new ArithmeticException(FormattableString.Invariant(
            $"The inverse of a map isn't found at {Words(y.Slice(worst * d, d))} to {tolerance:g2}: the map may be far from what its law needs there."));
    }

    private CompiledProgram<double> Forward(bool hasScore)
    {
        var x = Expr.Input("x", network.Dimension);
        var (moved, hessian) = Part(x);
        var logDeterminant = hessian.LogDeterminant();
        (string, Expr)[] outputs = [("moved", moved), ("logDeterminant", logDeterminant)];
        if (!hasScore)
        {
            return Compile(new TracedProgram(parameters, outputs), "x");
        }

        var rest = Expr.Input("score", network.Dimension) - Derivative.Gradient(logDeterminant, x);
        return Compile(new TracedProgram(parameters, [.. outputs, ("movedScore", hessian.SolvePositiveDefinite(rest))]), "x", "score");
    }

    private CompiledProgram<double> Newton()
    {
        var (x, y) = (Expr.Input("x", network.Dimension), Expr.Input("y", network.Dimension));
        var (moved, hessian) = Part(x);
        var miss = moved - y;
        return Compile(
            new TracedProgram(
                parameters,
                ("move", -hessian.SolvePositiveDefinite(miss)),
                ("value", ((1 - _share) * 0.5 * x.SquaredNorm()) + (_share * network.Value(x)) - Expr.Dot(x, y)),
                ("miss", (miss.SquaredNorm() / (1 + y.SquaredNorm())).Sqrt()),
                ("logDeterminant", hessian.LogDeterminant())),
            "x", "y");
    }

    // Written so that all of the map is the map itself, to the bit.
    private (Expr Moved, Expr Hessian) Part(Expr x)
    {
        var (moved, hessian) = network.GradientAndHessian(x);
        return (((1 - _share) * x) + (_share * moved), ((1 - _share) * Expr.Identity(network.Dimension)) + (_share * hessian));
    }

    private CompiledProgram<double> Compile(TracedProgram program, params string[] inputs)
    {
        var compiled = new CompiledProgram<double>(program, execution) { Parameters = _values };
        compiled[ShareName] = _shareValue;
        foreach (var name in inputs)
        {
            compiled[name] = new NdArray<double>(Block, network.Dimension);
        }

        foreach (var (name, value) in program.Outputs)
        {
            compiled[name] = value.Shape.Rank == 0 ? new NdArray<double>(Block) : new NdArray<double>(Block, network.Dimension);
        }

        return compiled;
    }

    private static void CheckFinite(ReadOnlySpan<double> values, ReadOnlySpan<double> points, int d)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (!double.IsFinite(values[i]))
            {
                throw new ArithmeticException(
                    $"The Hessian of a map's potential isn't positive definite at {Words(points.Slice(i * d, d))}; lower the learning rate.");
            }
        }
    }

    private static string Words(ReadOnlySpan<double> point)
    {
        var shown = point[..Math.Min(4, point.Length)].ToArray().Select(v => FormattableString.Invariant($"{v:g4}"));
        return $"({string.Join(", ", shown)}{(point.Length > 4 ? ", ..." : "")})";
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _forward?.Dispose();
        _scored?.Dispose();
        _newton?.Dispose();
    }
}
