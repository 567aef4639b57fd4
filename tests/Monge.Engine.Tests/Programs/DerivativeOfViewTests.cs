using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.Engine.Tests.Programs;

/// <summary>Derivatives by a view of other values: right where the value was traced through the view, refused where tracing looked past it.</summary>
public sealed class DerivativeOfViewTests
{
    // For each kind: the view of a leaf, and a way of using the view that tracing simplifies to a use of the leaf.
    private static readonly Dictionary<string, (Func<Expr, Expr> View, Func<Expr, Expr> Use)> s_kinds = new()
    {
        ["concat"] = (a => Expr.Concat(0, a, 2 * a), x => x[..2]),
        ["concat, element"] = (a => Expr.Concat(0, a, 2 * a), x => x[3]),
        ["stack"] = (a => Expr.Stack(0, a, a.Sin()), x => x[1]),
        ["vector"] = (a => Expr.Vector(a[0], a[1].Exp()), x => x[0]),
        ["reshape"] = (a => a.Reshape(2, 1), x => x.Reshape(1, 2)),
        ["reshape, back"] = (a => a.Reshape(1, 2), x => x.Reshape(2)),
        ["transpose"] = (a => Expr.Outer(a, a.Exp()).Transpose(), x => x.Transpose()),
        ["broadcast"] = (a => a.BroadcastTo(new Shape(3, 2)), x => x.BroadcastTo(new Shape(4, 3, 2))),
        ["gather"] = (a => a.Gather(0, [1, 0, 1]), x => x.Gather(0, [0, 2])),
        ["slice"] = (a => a[..1], x => x.Gather(0, [0, 0])),
        ["pad"] = (a => a.Pad(0, 1, 1), x => x[1..3]),
        ["negate"] = (a => -a, x => -x),
        ["view of a view"] = (a => Expr.Concat(0, a, a).Reshape(2, 2), x => x.Reshape(4)[..2]),
    };

    public static TheoryData<string> Kinds => [.. s_kinds.Keys];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void IsRefusedWhereTracingLookedPastTheView(string kind)
    {
        var (view, use) = s_kinds[kind];
        var x = view(Expr.Input("a", 2));
        var value = use(x).Square().Sum();
        var error = Assert.Throws<ArgumentException>(() => Derivative.Gradient(value, x));
        Assert.Contains(x.Operation.Name, error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Derivative.Gradient(value + x.Exp().Sum(), x));
        Assert.Throws<ArgumentException>(() => Derivative.Jacobian(use(x), x));
        Assert.Throws<ArgumentException>(() => Derivative.Laplacian(value, x));
        Assert.Throws<ArgumentException>(() => Derivative.VectorJacobian(use(x), use(x), x));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void IsRightWhereTheValueWasTracedThroughTheView(string kind)
    {
        var a = Expr.Input("a", 2);
        var x = s_kinds[kind].View(a);
        var value = x.Exp().Sum();
        var inputs = new Dictionary<string, double[]> { ["a"] = [0.3, -0.8] };
        var results = ReferenceInterpreter.Evaluate(new TracedProgram(null, ("gradient", Derivative.Gradient(value, x)), ("x", x)), 1, inputs, []);
        Assert.Equal(x.Size, results["gradient"].Length);
        for (var i = 0; i < x.Size; i++)
        {
            Assert.Equal(Math.Exp(results["x"][i]), results["gradient"][i], 14);
        }
    }

    [Fact]
    public void ASecondDerivativeIsRefusedWhereTheFirstLooksPastTheView()
    {
        // The derivative of -x y by y is -x, which at x = -a is traced as a.
        var (x, y) = (-Expr.Input("a"), Expr.Input("y"));
        var first = Derivative.Gradient(-(x * y), y);
        Assert.Throws<ArgumentException>(() => Derivative.Gradient(first, x));
    }

    [Fact]
    public void WhatIsCutOffFromTheDerivativeMayUseTheParts()
    {
        var a = Expr.Input("a", 2);
        var x = Expr.Concat(0, a, a.Sin());
        var gradient = Derivative.Gradient((x.Square() * x[..2].StopGradient().Sum()).Sum(), x);
        var results = ReferenceInterpreter.Evaluate(
            new TracedProgram(null, ("gradient", gradient)), 1, new Dictionary<string, double[]> { ["a"] = [0.5, 0.25] }, []);
        Assert.Equal(2 * 0.5 * 0.75, results["gradient"][0], 14);
        Assert.Equal(2 * Math.Sin(0.25) * 0.75, results["gradient"][3], 14);
    }
}
