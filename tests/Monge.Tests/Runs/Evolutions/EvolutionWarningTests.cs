using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Tests.Runs.Evolutions;

/// <summary>What runs of evolutions say of themselves: nothing where they are good, the cause where they are not.</summary>
public sealed class EvolutionWarningTests
{
    private static readonly JkoOptions s_quick = new() { Iterations = 150, BatchSize = 512, Pool = 16_384, Width = 16, Until = 0.5 };

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void A_good_run_is_not_warned_and_its_samples_are_those_of_simulated_particles(ulong seed)
    {
        var result = Follow(s_quick, seed);
        Assert.Empty(result.Warnings);
        Assert.InRange(result.Simulated!.Accuracy, 0.5 - (4 * result.Simulated.Error), 0.5 + (4 * result.Simulated.Error));
        Assert.InRange(result.Points[^1].Divergence!.Value.Value, 0, result.Points[^1].DivergenceBound);
    }

    [Fact]
    public void Too_few_iterations_are_told_as_the_training_s_fault()
    {
        var result = Follow(s_quick with { Iterations = 1, LearningRate = 1e-6 }, 11);
        Assert.Contains("a classifier tells them from simulated particles", result.Warnings[0].Cause, StringComparison.Ordinal);
        Assert.EndsWith("its training falls short", result.Warnings[0].Cause, StringComparison.Ordinal);

        // What it is off by at least is below what it is off by.
        Assert.InRange(result.Simulated!.LeastDivergence, 1e-3, result.Points[^1].Divergence!.Value.Value);
    }

    [Fact]
    public void Steps_that_are_too_long_are_told()
    {
        // From a narrow Gaussian, whose spread a single implicit step gets wrong.
        var problem = EvolutionLibrary.Get("heat-2") with { Initial = GaussianBase.Isotropic(2, 0.2), Facts = new EvolutionFacts() };
        var result = Of(problem, s_quick with { Step = 0.5, Iterations = 800 }, 11);
        Assert.EndsWith("its steps in time are too long", result.Warnings[0].Cause, StringComparison.Ordinal);
        Assert.Contains("the option 'step'", result.Warnings[0].Advice, StringComparison.Ordinal);
    }

    private static EvolutionResult Follow(JkoOptions options, ulong seed) => Of(EvolutionLibrary.Get("ou-2"), options, seed);

    private static EvolutionResult Of(EvolutionProblem problem, JkoOptions options, ulong seed)
    {
        var run = new Run { Seed = seed, Threads = 1 };
        return EvolutionResult.Of(new JkoFlow(problem, options).Follow(run), JkoFlow.Name, 10_000, 2, run);
    }
}
