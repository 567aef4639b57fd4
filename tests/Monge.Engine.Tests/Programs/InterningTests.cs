using System.Runtime.CompilerServices;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.Engine.Tests.Programs;

/// <summary>Equal nodes are one object for as long as their inputs live, whatever the garbage collector does between.</summary>
public sealed class InterningTests
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long MakeAndDrop(Expr x) => (x.Tanh() * 3).Id;

    private static void Collect()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    [Fact]
    public void AConstantThatIsNotANumberIsNamedByItsElement()
    {
        var error = Assert.Throws<ArgumentException>(() => Expr.Constant([1, 2, 3, 4, double.NaN, 6], 2, 3));
        Assert.Contains("element [1, 1] of shape [2, 3] is NaN", error.Message);
        Assert.Contains("element [2]", Assert.Throws<ArgumentException>(() => Expr.Constant([1, 2, double.NaN])).Message);
        Assert.False(double.IsFinite(Expr.Constant([-1, 2], 2).Log()[0].UniformConstant!.Value));
    }

    [Fact]
    public void ValuesWithoutSizesAreAVectorAndOneIsAScalar()
    {
        Assert.Equal([3], Expr.Constant([1.0, 2, 3]).Shape.Sizes.ToArray());
        Assert.Equal(0, Expr.Constant([5.0]).Shape.Rank);
        Assert.Equal([2, 2], Expr.Constant([1.0, 2, 3, 4], 2, 2).Shape.Sizes.ToArray());
        Assert.Contains(
            "4 values were given for shape [3]", Assert.Throws<ShapeException>(() => Expr.Constant([1.0, 2, 3, 4], 3)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ADroppedNodeIsTheSameWhenItIsMadeAgain()
    {
        var x = Expr.Input("x", 3);
        var before = MakeAndDrop(x);
        Collect();
        var younger = x.Exp();
        var again = x.Tanh() * 3;
        Assert.Equal(before, again.Id);
        Assert.True(again.Id < younger.Id, "the node made anew must keep its place in the order");
    }

    [Fact]
    public void DerivativesSumInOneOrderWhateverWasCollected()
    {
        // The order of a sum of cotangents follows the ids of the nodes that use x.
        string Gradient(bool collect)
        {
            var x = Expr.Input("x", 3);
            MakeAndDrop(x);
            if (collect)
            {
                Collect();
            }

            var value = (x.Exp() + x.Sin() + (x.Tanh() * 3) + x.Square()).Sum();
            return Describe(Derivative.Gradient(value, x));
        }

        Assert.Equal(Gradient(collect: false), Gradient(collect: true));
    }

    private static string Describe(Expr value) => $"{value.Operation}({string.Join(", ", value.Inputs.Select(Describe))})";

    [Fact]
    public void ANodeDiesWithItsInputs()
    {
        var node = Weak();
        Collect();
        Assert.False(node.IsAlive, "a node must not outlive the inputs it was made of");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Weak() => new(Expr.Input("x", 3).Tanh() * 3);
}
