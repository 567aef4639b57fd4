using Monge.Data;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;
using Monge.Tests.Data;

namespace Monge.Tests.Runs.Evolutions;

/// <summary>Evolutions read from their files, and their laws between the steps.</summary>
public sealed class EvolutionModelTests
{
    private const int Samples = 500;

    private static readonly JkoOptions s_jko = new() { Width = 8, Iterations = 60, BatchSize = 256, Pool = 2048, Step = 0.1, Until = 0.3 };
    private static readonly SbtmOptions s_sbtm = new() { Step = 0.1, Until = 0.3, Particles = 2048, HeldOut = 512, Width = 8, Depth = 2, Iterations = 10 };

    [Theory]
    [InlineData("jko", true)]
    [InlineData("sbtm", true)]
    [InlineData("sbtm", false)]
    public void A_file_is_the_evolution_to_the_bit(string method, bool isHeun)
    {
        var problem = EvolutionLibrary.Get("ou-2@draw=3");
        using var folder = new Scratch();
        var made = Follow(method, problem, new Run { Folder = folder.Directory, Seed = 11 }, isHeun);
        var read = EvolutionModel.TryLoad(folder.File(RunSession.ModelName), EvolutionLibrary.Get)!;
        Assert.Equal(made.Times, read.Times);
        Assert.Equal(problem.Name, read.Problem.Name);
        foreach (var time in (double[])[0.3, 0.17])
        {
            var (positions, logs) = made.DrawAt(Samples, time, 5);
            Assert.Equal(positions, read.DrawAt(Samples, time, 5).Positions);
            Assert.Equal(made.LogDensityAt(positions, time), read.LogDensityAt(positions, time));
            Assert.All(logs, log => Assert.True(double.IsFinite(log)));
        }
    }

    [Theory]
    [InlineData("jko", "double-well", 1e-6)]
    [InlineData("sbtm", "ou-1", 1e-3)]
    public void Densities_between_steps_are_those_that_samples_carry_and_integrate_to_one(string method, string name, double error)
    {
        // Maps have an inverse; the way back along a flow is Heun's again, whose steps must be short.
        var problem = EvolutionLibrary.Get(name);
        IEvolution evolution = method == "jko"
            ? new JkoFlow(problem, s_jko).Follow(new Run { Seed = 11 })
            : new SbtmFlow(problem, s_sbtm with { Step = 0.01 }).Follow(new Run { Seed = 11 });
        foreach (var time in (double[])[0.044, 0.1, 0.257])
        {
            var (positions, logs) = evolution.DrawAt(Samples, time, 5);
            Assert.InRange(Math.Sqrt(evolution.LogDensityAt(positions, time).Zip(logs, (a, b) => (a - b) * (a - b)).Average()), 0, error);
            const double width = 0.01;
            double[] grid = [.. Enumerable.Range(-400, 800).Select(i => (i + 0.5) * width)];
            Assert.Equal(1, width * evolution.LogDensityAt(grid, time).Sum(Math.Exp), 0.01);
        }
    }

    [Fact]
    public void Between_steps_of_maps_samples_lie_on_straight_lines_and_at_steps_they_are_those_of_the_steps()
    {
        var evolution = Follow("jko", EvolutionLibrary.Get("ou-2"), new Run { Seed = 11 });
        var (before, after) = (evolution.DrawAt(Samples, 0.1, 5).Positions, evolution.DrawAt(Samples, 0.2, 5).Positions);
        var between = evolution.DrawAt(Samples, 0.125, 5).Positions;
        Assert.All(Enumerable.Range(0, between.Length), i => Assert.Equal((0.75 * before[i]) + (0.25 * after[i]), between[i], 1e-9));
        Assert.Equal(evolution.LogDensity(after, 2), evolution.LogDensityAt(after, 0.1 + 0.1));

        // Independent of what the run itself carries with the same seed.
        Assert.NotEqual(evolution.Carry(Samples, 5).First().Positions, evolution.DrawAt(Samples, 0, 5).Positions);
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(0.31)]
    [InlineData(double.NaN)]
    public void A_time_outside_the_run_is_refused(double time)
    {
        var evolution = Follow("sbtm", EvolutionLibrary.Get("ou-2"), new Run { Seed = 11 });
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => evolution.DrawAt(3, time));
        Assert.StartsWith("The law of 'ou-2' was followed from t = 0 to t = 0.3, in 3 steps; t = ", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => evolution.LogDensityAt([0, 0], time));
    }

    [Fact]
    public void Another_problem_of_the_name_is_refused_and_so_is_a_damaged_file()
    {
        var problem = EvolutionLibrary.Get("ou-2");
        using var folder = new Scratch();
        Follow("jko", problem, new Run { Folder = folder.Directory });
        var path = folder.File(RunSession.ModelName);
        var other = Assert.Throws<DataFormatException>(
            () => EvolutionModel.TryLoad(path, _ => problem with { Initial = GaussianBase.Isotropic(2, 2) }));
        Assert.Contains("was made with another evolution of the name 'ou-2'", other.Message, StringComparison.Ordinal);

        var file = SafetensorsFile.Read(path);
        SafetensorsFile.Write(path, file.Tensors.Where(t => t.Key != "map.1"), file.Metadata);
        var damaged = Assert.Throws<DataFormatException>(() => EvolutionModel.TryLoad(path, EvolutionLibrary.Get));
        Assert.EndsWith("is damaged: the array 'map.1' is missing.", damaged.Message, StringComparison.Ordinal);
        SafetensorsFile.Write(path, file.Tensors, [new("kind", "monge flow model")]);
        Assert.Null(EvolutionModel.TryLoad(path, EvolutionLibrary.Get));
    }

    private static IEvolution Follow(string method, EvolutionProblem problem, Run run, bool isHeun = true) => method == "jko"
        ? new JkoFlow(problem, s_jko).Follow(run)
        : new SbtmFlow(problem, s_sbtm with { Stepper = isHeun ? SbtmStepper.Heun : SbtmStepper.Euler }).Follow(run);
}
