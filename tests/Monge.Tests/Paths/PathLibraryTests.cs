using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Objectives;
using Monge.Paths;
using Monge.Tests.Measures;

namespace Monge.Tests.Paths;

public sealed class PathLibraryTests
{
    public static TheoryData<string> All() =>
    [
        "gmm9", "gmm40", "gmm8-6", "gmm40-20", "student-t-mixture-2", "student-t-mixture-5", "phi4-chain-2", "phi4-3x4",
        "phi4-2x2@m2=-4.75,lambda=5.1", "funnel-4",
        "hierarchical-funnel-8", "shifted-gaussian-3@shift=2,scale=0.5",
    ];

    [Theory]
    [MemberData(nameof(All))]
    public void PathsEndAtTheTarget(string name)
    {
        var (target, path) = (KnownTargets.Get(name), Made(name).Path);
        var d = target.Dimension;
        var draws = target.Base.ToGaussian(0.7).Sample(10, new RandomStream(1));
        var x = Expr.Input("x", d);
        var end = Evaluate(new TracedProgram(null, ("end", path.LogDensity(x, 1))), 10, draws)["end"];
        var own = target.LogDensityAt(draws);
        Assert.All(Enumerable.Range(0, 10), i => Assert.Equal(own[i], end[i], 1e-9 * (1 + Math.Abs(own[i]))));
        Assert.Equal(!name.StartsWith("phi4", StringComparison.Ordinal), path.UsesModeKnowledge);
    }

    // c is 0: the paths with an exact drift stay normalised.
    [Theory]
    [MemberData(nameof(All))]
    public void ExactDriftsSolveTheContinuityEquation(string name)
    {
        if (Made(name) is not { ExactDrift: { } drift } made)
        {
            Assert.StartsWith("phi4", name, StringComparison.Ordinal);
            return;
        }

        const int Samples = 100;
        var d = made.Path.Dimension;
        var (x, t) = (Expr.Input("x", d), Expr.Input("t"));
        var random = new RandomStream(2);
        double[] times = [.. Enumerable.Range(0, Samples).Select(_ => random.NextDouble())];
        double[] positions = [.. KnownTargets.Get(name).Facts.ExactSampler!(Samples, random).Select((v, k) => v * times[k / d])];
        var residual = ContinuityResidual.Exact(made.Path, drift, 0, x, t);
        var values = ReferenceInterpreter.Evaluate(
            new TracedProgram(null, ("residual", residual)), Samples, new Dictionary<string, double[]> { ["x"] = positions, ["t"] = times }, [])["residual"];
        Assert.All(values, v => Assert.Equal(0, v, 1e-8));
    }

    [Theory]
    [InlineData("gmm9")]
    [InlineData("gmm8-6")]
    [InlineData("gmm40-20")]
    public void LaplaciansInClosedFormAreTheDerivatives(string name)
    {
        var path = Made(name).Path;
        Assert.True(path.HasCheapLaplacian);
        var (x, t, d) = (Expr.Input("x", path.Dimension), Expr.Input("t"), path.Dimension);
        var random = new RandomStream(3);
        double[] times = [.. Enumerable.Range(0, 50).Select(_ => random.NextDouble())];
        double[] positions = [.. Enumerable.Range(0, 50 * d).Select(_ => 4 * random.NextNormal())];
        var values = ReferenceInterpreter.Evaluate(
            new TracedProgram(null, ("closed", path.Laplacian(x, t)), ("derived", Derivative.Laplacian(path.LogDensity(x, t), x).Laplacian)),
            50, new Dictionary<string, double[]> { ["x"] = positions, ["t"] = times }, []);
        Assert.All(Enumerable.Range(0, 50), i => Assert.Equal(values["derived"][i], values["closed"][i], 1e-9 * (1 + Math.Abs(values["derived"][i]))));
    }

    [Theory]
    [InlineData("gmm9", 0.05)]
    [InlineData("gmm40", 0.1)]
    [InlineData("phi4-chain-2", 0.02)]
    [InlineData("phi4-chain-2@m2=-4.75,lambda=5.1", 0.02)]
    [InlineData("funnel-2", 0.05)]
    [InlineData("student-t-mixture-2", 0.05)]
    public void BasesAreNormalised(string name, double step)
    {
        // Positions are sinh of the grid's points, so that heavy tails are reached as well.
        const double Reach = 18;
        var path = Made(name).Path;
        double[] grid = [.. Enumerable.Range(0, (int)(2 * Reach / step) + 1).Select(i => (i * step) - Reach)];
        using var program = new CompiledProgram<double>(
            new TracedProgram(null, ("value", path.LogBase(Expr.Input("x", 2)))), new ExecutionOptions { Threads = 1 });
        program["x"] = new NdArray<double>(grid.Length, 2);
        program["value"] = new NdArray<double>(grid.Length);
        var sum = 0.0;
        foreach (var u in grid)
        {
            for (var j = 0; j < grid.Length; j++)
            {
                (program["x"].Span[2 * j], program["x"].Span[(2 * j) + 1]) = (Math.Sinh(u), Math.Sinh(grid[j]));
            }

            program.Run(grid.Length);
            for (var j = 0; j < grid.Length; j++)
            {
                sum += Math.Exp(program["value"][j]) * Math.Cosh(u) * Math.Cosh(grid[j]) * step * step;
            }
        }

        Assert.Equal(1, sum, 1e-6);
    }

    // Stein's identity holds for the law with the score s and (of those with a finite mean) for no other: E[x_i s_j] = -1 for i = j, else 0.
    [Theory]
    [MemberData(nameof(All))]
    public void BaseDrawsHaveTheLawOfTheBase(string name)
    {
        const int Samples = 20_000;
        var path = Made(name).Path;
        var d = path.Dimension;
        var draw = path.BaseDraw(1);
        using var program = new CompiledProgram<double>(
            new TracedProgram(null, ("x", draw), ("score", path.Score(draw, 0))), new ExecutionOptions { Threads = 1 });
        program["x"] = new NdArray<double>(Samples, d);
        program["score"] = new NdArray<double>(Samples, d);
        foreach (var seed in new ulong[] { 1, 2, 3 })
        {
            program.Run(Samples, new DrawKey(seed));
            var x = program["x"].Span;
            var score = program["score"].Span;
            for (var i = 0; i < Math.Min(d, 6); i++)
            {
                for (var j = 0; j < Math.Min(d, 6); j++)
                {
                    var (sum, squares) = (0.0, 0.0);
                    for (var s = 0; s < Samples; s++)
                    {
                        var product = x[(s * d) + i] * score[(s * d) + j];
                        sum += product;
                        squares += product * product;
                    }

                    var mean = sum / Samples;
                    var error = Math.Sqrt(((squares / Samples) - (mean * mean)) / Samples);
                    Assert.InRange(mean - (i == j ? -1 : 0), -6 * error, 6 * error);
                }
            }
        }
    }

    [Fact]
    public void ADensityOfAnotherFormulaHasNoPath()
    {
        Assert.Null(PathLibrary.For(KnownTargets.Get("banana")));
        Assert.Null(PathLibrary.For(Density.Create("gmm9", 2, x => -x.SquaredNorm())));
        Assert.Null(PathLibrary.For(Density.Create("funnel-3", 2, x => -x.SquaredNorm())));
    }

    private static LibraryPath Made(string name) => PathLibrary.For(KnownTargets.Get(name)) ?? throw new InvalidOperationException($"'{name}' has no path.");

    private static IReadOnlyDictionary<string, double[]> Evaluate(TracedProgram program, int samples, double[] positions) =>
        ReferenceInterpreter.Evaluate(program, samples, new Dictionary<string, double[]> { ["x"] = positions }, []);
}
