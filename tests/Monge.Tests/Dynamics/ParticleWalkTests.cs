using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Testing;

namespace Monge.Tests.Dynamics;

public class ParticleWalkTests
{
    private const int Particles = 70;

    private static readonly TimeGrid s_grid = new([0, 0.1, 0.15, 0.4, 0.6, 0.61, 0.9, 1], (t, next) => 0.2 + (t * next));

    // Positions that drift and diffuse, their squared lengths added up by the time, and where they began.
    private static ParticleWalk<T> Walk<T>(int threads = 1, bool isGiven = false, int capacity = Particles)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var (x, sum, begin) = (Expr.Input("x", 2), Expr.Input("sum"), Expr.Input("begin", 2));
        var first = 0.5 + Expr.Random(RandomLaw.Normal, 1, 2);
        var next = x + (Expr.PerStep("h") * (Expr.PerStep("t") - x.Sin())) + (Expr.PerStep("deviation") * Expr.Random(RandomLaw.Normal, 2, 2));
        WalkState[] states =
        [
            isGiven ? new(x, next, IsGiven: true) : new(x, next, first),
            new(sum, sum + next.SquaredNorm()),
            new(begin, null, isGiven ? x : first),
        ];
        return new ParticleWalk<T>(null, states, capacity, new ExecutionOptions { Threads = threads }, ("mean", next.BatchSum() / Particles))
        {
            CallsPerStart = 1,
            CallsPerStep = 2,
        };
    }

    private static double[] Values(ParticleWalk<double> walk) => [.. walk.Positions.Span, .. walk["sum"].Span, .. walk["begin"].Span];

    [Fact]
    public void AStepIsWhatWasTraced()
    {
        using var walk = Walk<double>(isGiven: true);
        double[] start = [.. Enumerable.Range(0, 2 * Particles).Select(i => Math.Sin(i))];
        walk.StartFrom(null, start, new DrawKey(3));
        var grid = s_grid.With("deviation", new double[7]);
        walk.Advance(null, Particles, grid, new DrawKey(3));
        for (var i = 0; i < start.Length; i++)
        {
            var x = start[i];
            for (var k = 0; k < grid.Count; k++)
            {
                x += grid["h"][k] * (grid["t"][k] - Math.Sin(x));
            }

            Assert.Equal(x, walk.Positions[i], 1e-13);
            Assert.Equal(start[i], walk["begin"][i]);
        }

        Assert.Equal(walk.Positions.Span.ToArray().Where((_, i) => i % 2 == 0).Average(), LastMean(walk, grid), 1e-12);
    }

    // The sum over the batch of the last step alone.
    private static double LastMean(ParticleWalk<double> walk, TimeGrid grid)
    {
        var start = walk["begin"].Span.ToArray();
        walk.StartFrom(null, start);
        walk.Advance(null, Particles, grid, 0, 6, default);
        walk.Advance(null, Particles, grid, 6, 1, default);
        return walk.Sum("mean")[0];
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void AnySegmentsAndThreadsGiveTheRunInOneGo(int threads)
    {
        using var whole = Walk<double>();
        using var parts = Walk<double>(threads);
        var draw = new DrawKey(9, 5);
        whole.Start(null, Particles, draw);
        whole.Advance(null, Particles, s_grid, draw);
        parts.Start(null, Particles, draw);
        parts.Advance(null, Particles, s_grid, 0, 3, draw);
        parts.Advance(null, Particles, s_grid, 3, 1, draw);
        parts.Advance(null, Particles, s_grid, 4, 3, draw);
        Assert.Equal(Values(whole), Values(parts));
        Assert.Equal(Particles * (1 + (7 * 2)), parts.TargetCalls);
    }

    [Fact]
    public void ARunGoesOnFromItsStatesInAnotherWalk()
    {
        using var whole = Walk<double>();
        using var other = Walk<double>();
        var draw = new DrawKey(2);
        whole.Start(null, Particles, draw);
        whole.Advance(null, Particles, s_grid, 0, 4, draw);
        foreach (var state in whole.States)
        {
            whole[state.Name].Span.CopyTo(other[state.Name].Span);
        }

        whole.Advance(null, Particles, s_grid, 4, 3, draw);
        other.Advance(null, Particles, s_grid, 4, 3, draw);
        Assert.Equal(Values(whole), Values(other));
    }

    [Fact]
    public void ARecordHoldsTheStatesAfterTheAskedStepsAndDoesNotChangeTheRun()
    {
        using var plain = Walk<double>();
        using var recorded = Walk<double>();
        var draw = new DrawKey(4);
        var record = new WalkRecord<double>(recorded, Particles, [0, 1, 4, 7], "x", "sum");
        recorded.Start(null, Particles, draw);
        recorded.Advance(null, Particles, s_grid, 0, 3, draw, record);
        recorded.Advance(null, Particles, s_grid, 3, 4, draw, record);
        for (var r = 0; r < record.Steps.Length; r++)
        {
            plain.Start(null, Particles, draw);
            if (record.Steps[r] > 0)
            {
                plain.Advance(null, Particles, s_grid, 0, record.Steps[r], draw);
            }

            Assert.Equal(plain.Positions.Span.ToArray(), record["x"].Row(r).ToArray());
            Assert.Equal(plain["sum"].Span.ToArray(), record["sum"].Row(r).ToArray());
        }

        Assert.Equal(Values(plain), Values(recorded));
        Assert.Equal((int[])[4, Particles, 2], record["x"].Sizes);
        Assert.Contains("not recorded", Assert.Throws<ArgumentException>(() => record["begin"]).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new WalkRecord<double>(plain, Particles, [2, 2]));
    }

    [Fact]
    public void ABackwardWalkTakesTheGridFromItsEnd()
    {
        var x = Expr.Input("x");
        using var walk = new ParticleWalk<double>(null, [new(x, (2 * x) + Expr.PerStep("t"), IsGiven: true)], 1) { Direction = WalkDirection.Backward };
        var grid = new TimeGrid([0, 0.5, 0.75, 1]);
        walk.StartFrom(null, [1.0]);
        walk.Advance(null, 1, grid, default);
        Assert.Equal((2 * ((2 * ((2 * 1) + 0.75)) + 0.5)) + 0, walk.Positions[0]);
        walk.StartFrom(null, [1.0]);
        walk.Advance(null, 1, grid, 0, 2, default);
        walk.Advance(null, 1, grid, 2, 1, default);
        Assert.Equal(12, walk.Positions[0]);
        Assert.Throws<ArgumentException>(() => walk.Advance(null, 1, new TimeGrid([1, 0.5]), default));
    }

    [Fact]
    public void AStartMayBeTheSameForAllParticlesOrFollowFromGivenOnes()
    {
        var parameters = new ParameterSet();
        var p = parameters.Add("p", 2);
        var (x, y, z) = (Expr.Input("x", 2), Expr.Input("y", 2), Expr.Input("z"));
        using var walk = new ParticleWalk<double>(parameters, [new(x, x, IsGiven: true), new(y, y + 1, 2 * p), new(z, z, Expr.Dot(p, x))], 4);
        Assert.Equal(3, walk.StartFrom(NdArray<double>.From([1.5, -1], 2), [1.0, 2, 3, 4, 5, 6]));
        Assert.Equal((double[])[3, -2, 3, -2, 3, -2], walk["y"].Span[..6].ToArray());
        Assert.Equal((double[])[-0.5, 0.5, 1.5], walk["z"].Span[..3].ToArray());
    }

    [Fact]
    public void SelectionCopiesAncestorsAndClearsWhatIsNamed()
    {
        using var walk = Walk<double>();
        walk.Start(null, 4, new DrawKey(1));
        walk.Advance(null, 4, s_grid, new DrawKey(1));
        var before = walk.Positions.Span.ToArray();
        walk.Select([3, 3, 0, 1], "sum");
        Assert.Equal((double[])[before[6], before[7], before[6], before[7], before[0], before[1], before[2], before[3]], walk.Positions.Span[..8].ToArray());
        Assert.All(walk["sum"].Span.ToArray(), v => Assert.Equal(0, v));
    }

    [Fact]
    public void BatchesDrawWhatOneLargeRunDraws()
    {
        using var whole = Walk<double>();
        using var small = Walk<double>(capacity: 32);
        var draw = new DrawKey(6, 1, 1000);
        whole.Start(null, Particles, draw);
        whole.Advance(null, Particles, s_grid, draw);
        foreach (var (first, n, key) in small.Batches(Particles, draw))
        {
            small.Start(null, n, key);
            small.Advance(null, n, s_grid, key);
            Assert.Equal(whole.Positions.Span.Slice(2 * first, 2 * n).ToArray(), small.Positions.Span[..(2 * n)].ToArray());
        }

        Assert.Equal(Particles * 15, small.TargetCalls);
    }

    [Fact]
    public void StepsAllocateNothing()
    {
        using var walk = Walk<float>();
        var record = new WalkRecord<float>(walk, Particles, [2, 7]);
        int[] ancestors = [.. Enumerable.Range(0, Particles).Select(i => i / 2)];
        void Run(ulong k)
        {
            walk.Start(null, Particles, new DrawKey(k));
            walk.Advance(null, Particles, s_grid, new DrawKey(k), record);
            walk.Select(ancestors, "sum");
            walk.Advance(null, Particles, s_grid, 2, 3, new DrawKey(k));
        }

        var k = 0UL;
        Assert.Equal(0, Allocation.Least(() => Run(k++)));
    }

    [Fact]
    public void CarriedParticlesKeepTheirArrays()
    {
        using var walk = Walk<double>(isGiven: true);
        var start = NdArray<double>.From([0.1, 0.2, 0.3, 0.4], 2, 2);
        var first = walk.Carry(null, start, s_grid, new DrawKey(1));
        var values = first.Span.ToArray();
        var second = walk.Carry(null, start, s_grid, new DrawKey(2));
        Assert.Equal(values, first.Span.ToArray());
        Assert.NotEqual(values, second.Span.ToArray());
        Assert.Equal((double[])[0.1, 0.2, 0.3, 0.4], start.Span.ToArray());
    }

    [Fact]
    public void WhatCantBeIsRefusedInWords()
    {
        using var walk = Walk<double>();
        Assert.Contains("it has x, sum, begin", Assert.Throws<ArgumentException>(() => walk["y"]).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => walk.StartFrom(null, [1.0, 2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => walk.Start(null, Particles + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => walk.Advance(null, 1, s_grid, 5, 3, default));
        Assert.Throws<ArgumentException>(() => walk.Advance(null, 1, new TimeGrid([1, 0]), default));
        var (x, y) = (Expr.Input("x"), Expr.Input("y"));
        WalkState[] circle = [new(x, x, Expr.Random(RandomLaw.Normal, 1)), new(y, y, 2 * x)];
        Assert.Contains("start of its own", Assert.Throws<ArgumentException>(() => new ParticleWalk<double>(null, circle)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new ParticleWalk<double>(null, [new(Expr.Shared("x"), x)]));
        using var fast = new ParticleWalk<double>(null, [new(x, x + Expr.PerStep("speed"))], 1);
        Assert.Contains("'speed'", Assert.Throws<ArgumentException>(() => fast.Advance(null, 1, s_grid, default)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void GridsKnowTheirSteps()
    {
        var equal = TimeGrid.Equal(1, 0, 3);
        Assert.False(equal.Rises);
        Assert.Equal((double[])[-1.0 / 3, -1.0 / 3, -1.0 / 3], equal["h"].ToArray());
        Assert.Equal((double[])[2.0 / 7, 3.0 / 7, 4.0 / 7], new TimeGrid(2, 3, 7)["t"].ToArray());
        Assert.Equal(Math.Sqrt(2 * 0.5 * 0.25), new TimeGrid([1, 0.75], (_, _) => 0.5)["deviation"][0]);
        Assert.Contains("rise or fall", Assert.Throws<ArgumentException>(() => new TimeGrid([0, 0.5, 0.4])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new TimeGrid([0.5]));
        Assert.Throws<ArgumentException>(() => equal.With("speed", [1.0, 2]));
    }
}
