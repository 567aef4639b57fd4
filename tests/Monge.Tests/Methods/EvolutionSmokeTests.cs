using System.Text.Json.Nodes;
using Monge.Measures;
using Monge.Methods;
using Monge.References;
using Monge.Runs;
using Monge.Tests.Data;
using Monge.Training;

namespace Monge.Tests.Methods;

/// <summary>
/// What every method that follows laws passes: Brownian motion, an Ornstein-Uhlenbeck process, a double well; against exact laws or finite volumes.
/// </summary>
public sealed class EvolutionSmokeTests
{
    private const int Samples = 10_000;
    private const double Until = 0.4;

    // Other tests add methods of their own meanwhile.
    public static TheoryData<string> Methods =>
        [.. MethodRegistry.Evolutions.Where(m => m.OptionsType.Assembly == typeof(MethodRegistry).Assembly).Select(m => m.Facts.Name)];

    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (var method in Methods)
            {
                foreach (var problem in (string[])["heat-2", "ou-2", "double-well"])
                {
                    cases.Add(method, problem);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void EveryMethodFollowsTheLaw(string method, string name)
    {
        var problem = EvolutionLibrary.Get(name) with { Until = Until };
        var run = new Run { Seed = 11, Threads = 1 };
        var evolution = Bind(method, problem, isQuick: problem.Facts.Law is not null).Run(run);
        Assert.Equal(Until, evolution.Times[^1], 1e-12);
        var result = EvolutionResult.Of(evolution, method, Samples, 2, run);
        var (point, end) = (result.Points[^1], result.Stored[^1]);
        Assert.Empty(result.Warnings);

        // The density is one: on a grid its mass is 1, and it is what the samples were told on the way.
        var (law, mean, variance) = Exact(problem);
        var d = problem.Dimension;
        var (grid, cell) = Grid(end.Positions, d);
        Assert.Equal(1, evolution.LogDensity(grid, evolution.Times.Count - 1).Sum(Math.Exp) * cell, 0.01);
        var told = evolution.LogDensity(end.Positions[..(200 * d)], evolution.Times.Count - 1);
        Assert.All(told.Zip(end.LogDensity), pair => Assert.Equal(pair.Second, pair.First, 5e-3));

        // Moments and log densities are those of the law.
        for (var i = 0; i < d; i++)
        {
            var deviation = Math.Sqrt(variance[i]);
            Assert.InRange(point.Mean[i], mean[i] - (0.06 * deviation), mean[i] + (0.06 * deviation));
            Assert.InRange(point.Deviation[i] / deviation, 0.95, 1.05);
        }

        double[] differences = [.. end.LogDensity.Zip(law(end.Positions), (mine, right) => mine - right)];
        var divergence = differences.Average();
        Assert.InRange(differences.Average(Math.Abs), 0, 0.08);
        Assert.InRange(divergence, -0.01, 0.01);

        // And the run says so itself.
        var noise = Math.Sqrt(differences.Average(v => v * v) / Samples);
        Assert.True(point.DivergenceBound >= (0.5 * divergence) - (4 * noise), $"{name}: true {divergence}, stated {point.DivergenceBound}");
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void EveryMethodEndsInTheSameBytesWhenResumedWhateverTheThreads(string method)
    {
        var problem = EvolutionLibrary.Get("double-well") with { Until = Until };
        using var whole = new Scratch();
        using var part = new Scratch();
        var first = Bind(method, problem).Run(new Run { Folder = whole.Directory, Threads = 1 });
        using var stop = new CancellationTokenSource();
        var halted = new Run { Folder = part.Directory, Threads = 2, Progress = new Stopper(stop), Cancellation = stop.Token };
        Assert.Throws<OperationCanceledException>(() => Bind(method, problem).Run(halted));
        var resumed = Bind(method, problem).Run(new Run { Folder = part.Directory, Threads = 2, Resume = true });
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(whole.Directory, RunSession.ModelName)), File.ReadAllBytes(Path.Combine(part.Directory, RunSession.ModelName)));
        foreach (var (one, two) in first.Carry(300, threads: 1).Zip(resumed.Carry(300, threads: 2)))
        {
            Assert.Equal(one.Positions, two.Positions);
            Assert.Equal(one.LogDensity, two.LogDensity);
            Assert.Equal(one.Score, two.Score);
        }
    }

    // A method whose defaults take long has a quick preset, which is enough for Gaussians; the double well is followed by the defaults.
    private static IMethod<IEvolution> Bind(string method, EvolutionProblem problem, bool isQuick = true)
    {
        var entry = MethodRegistry.Evolutions.Single(m => m.Facts.Name == method);
        return entry.Bind(problem, isQuick ? entry.Presets.GetValueOrDefault("quick")?.DeepClone() as JsonObject : null);
    }

    // The log density at points, the means and the variances at the end.
    private static (Func<double[], double[]> Law, double[] Mean, double[] Variance) Exact(EvolutionProblem problem)
    {
        var d = problem.Dimension;
        if (problem.Facts.Law?.Invoke(problem.Until) is { } law)
        {
            return (points => PointFunction.At(law.LogDensity!, points, d), law.Mean!, [.. Enumerable.Range(0, d).Select(i => law.Covariance![i, i])]);
        }

        var axis = new CellAxis(-4, 4, 1600);
        using var initial = new PointFunction((x, _) => problem.Initial.LogDensity(x), 1);
        using var potential = new PointFunction((x, _) => problem.Energy!.Potential!(x), 1);
        using var solver = new FiniteVolumeLine(axis, null, problem.Diffusion.Scalar!.Value, x => potential.At([x])[0]);
        var density = new LineDensity(axis, x => Math.Exp(initial.At([x])[0]));
        density.Normalise();
        solver.Advance(density, 0, problem.Until, 800);
        return (points => [.. points.Select(x => Math.Log(density.At(x)))], [density.Mean], [density.Variance]);
    }

    // A grid where the samples are. Far beyond the well's walls the way back to time 0 is not found, nor is there any mass.
    private static (double[] Points, double Cell) Grid(double[] samples, int d)
    {
        var (count, low, high) = (d == 1 ? 400 : 60, samples.Min(), samples.Max());
        var width = (high - low) / count;
        double[] axis = [.. Enumerable.Range(0, count).Select(k => low + ((k + 0.5) * width))];
        return (d == 1 ? axis : [.. axis.SelectMany(x => axis.SelectMany(y => new[] { x, y }))], Math.Pow(width, d));
    }

    private sealed class Stopper(CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        private int _looks;

        public void Report(TrainingProgress value)
        {
            if (value.IsCourse && value.Iteration < value.TotalIterations && ++_looks == 3)
            {
                stop.Cancel();
            }
        }
    }
}
