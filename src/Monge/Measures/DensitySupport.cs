using Monge.Engine.Programs;

namespace Monge.Measures;

/// <summary>
/// A log density on the support of its coordinates, seen from free coordinates. A density may be infinite or zero at an edge of its support, as a Beta law with
/// a shape below 1 is: in free coordinates it is smooth, but its formula reads 1 - x, which is 0 in rounded numbers long before the mass ends. Where that
/// matters, logarithms of distances to an edge are taken from the free coordinates, which know them exactly.
/// </summary>
/// <param name="blocks">The supports of the coordinates.</param>
/// <param name="logDensity">The formula in constrained coordinates.</param>
internal sealed class DensitySupport(IReadOnlyList<SupportTransform> blocks, Func<Expr, Expr> logDensity)
{
    private const int MostProbed = 32;

    // Free coordinates near the edges: no density has mass worth speaking of beyond the last, and at the others formulas should be finite.
    private static readonly double[] s_near = [20, 40, 100];
    private const double Far = 800;

    private bool? _isSingular;

    /// <summary>The constrained values [n] of free coordinates [m].</summary>
    public Expr Constrain(Expr u) => Join(Parts(u).Select(p => p.Block.ToConstrained(p.Free)));

    /// <summary>The log density in free coordinates [m], log-Jacobians included.</summary>
    public Expr LogDensity(Expr u) => (_isSingular ??= IsSingular()) ? AtEdges(u).Value : Plain(u);

    private Expr Plain(Expr u) => WithJacobian(logDensity(Constrain(u)), u);

    private (Expr Value, bool IsChanged) AtEdges(Expr u)
    {
        var constrained = Constrain(u);
        var input = Expr.Input("constrained", constrained.Size);
        var parts = Parts(u).ToList();
        Expr? LogDistance(IReadOnlyList<int> elements, double slope, double offset)
        {
            var (logs, start) = (new List<Expr>(), 0);
            foreach (var (block, free) in parts)
            {
                var end = start + block.ConstrainedSize;
                var isUsed = elements.Any(i => i >= start && i < end);
                var log = isUsed ? block.LogDistance(free, slope, offset) : Expr.Constant(0).BroadcastTo(new(block.ConstrainedSize));
                if (log is null)
                {
                    return null;
                }

                logs.Add(log);
                start = end;
            }

            return Join(logs);
        }

        var (value, changed) = Substitution.Replace(logDensity(input), input, constrained, LogDistance);
        return (WithJacobian(value, u), changed);
    }

    // Whether the formula is not finite near an edge though by the logarithms of the distances to it, it is.
    private bool IsSingular()
    {
        if (blocks.All(b => b is RealSupport))
        {
            return false;
        }

        var m = blocks.Sum(b => b.UnconstrainedSize);
        var u = Expr.Input("u", m);
        var (value, changed) = AtEdges(u);
        if (!changed)
        {
            return false;
        }

        var probes = Probes(m).ToList();
        double[] At(Expr formula)
        {
            var program = new TracedProgram(null, ("value", formula));
            var inputs = new Dictionary<string, double[]> { ["u"] = [.. probes.SelectMany(p => p.Position)] };
            return program.Outputs[0].Value.IsUniform ? new double[probes.Count] : ReferenceInterpreter.Evaluate(program, probes.Count, inputs, [])["value"];
        }

        var (plain, better) = (At(Plain(u)), At(value));
        return Enumerable.Range(0, probes.Count).Any(
            k => double.IsFinite(better[k]) && !double.IsFinite(plain[k]) && (probes[k].IsNear || !double.IsNegativeInfinity(plain[k])));
    }

    private IEnumerable<(double[] Position, bool IsNear)> Probes(int m)
    {
        var start = 0;
        foreach (var block in blocks)
        {
            var size = block.UnconstrainedSize;
            for (var j = 0; j < (block is RealSupport ? 0 : Math.Min(size, MostProbed)); j++)
            {
                foreach (var distance in s_near.Append(Far).SelectMany(r => new[] { r, -r }))
                {
                    var position = new double[m];
                    position[start + j] = distance;
                    yield return (position, Math.Abs(distance) < Far);
                }
            }

            start += size;
        }
    }

    private IEnumerable<(SupportTransform Block, Expr Free)> Parts(Expr u)
    {
        var start = 0;
        foreach (var block in blocks)
        {
            yield return (block, u[start..(start + block.UnconstrainedSize)]);
            start += block.UnconstrainedSize;
        }
    }

    private Expr WithJacobian(Expr value, Expr u)
    {
        foreach (var (block, free) in Parts(u))
        {
            value += block.LogJacobian(free);
        }

        return value;
    }

    private static Expr Join(IEnumerable<Expr> parts)
    {
        Expr[] all = [.. parts];
        return all is [var only] ? only : Expr.Concat(0, all);
    }
}
