using Monge.Measures;

namespace Monge.Tests.Measures;

/// <summary>Observations of evolutions, and what is wrong with them.</summary>
public sealed class ObservationTests
{
    [Fact]
    public void A_linear_observation_has_its_Gaussian_log_likelihood()
    {
        var seen = Observation.Linear(0.5, [1, 2], 0.25, new double[,] { { 1, 0, 1 }, { 0, 2, 0 } });
        double[] point = [0.5, 0.7, -0.3];
        var (first, second) = (0.2 - 1, 1.4 - 2);
        Assert.Equal(
            (-0.5 * ((first * first) + (second * second)) / 0.25) - Math.Log(2 * Math.PI * 0.25), PointFunction.At(seen.LogLikelihood, point, 3)[0], 1e-12);
    }

    [Fact]
    public void Impossible_observations_are_told_in_a_sentence()
    {
        static string Told(Action make) => Assert.ThrowsAny<ArgumentException>(make).Message;
        Assert.Contains("variance of an observation's noise must be above 0", Told(() => Observation.Linear(1, [0], 0)), StringComparison.Ordinal);
        Assert.Contains("variance of an observation's noise must be above 0", Told(() => Observation.Linear(1, [0], double.NaN)), StringComparison.Ordinal);
        Assert.Contains("at a finite time above 0", Told(() => Observation.Linear(0, [0], 1)), StringComparison.Ordinal);
        Assert.Contains("all of them finite", Told(() => Observation.Linear(1, [double.NaN], 1)), StringComparison.Ordinal);
        Assert.Contains("has 1 rows for 2 values", Told(() => Observation.Linear(1, [0, 0], 1, new double[1, 2])), StringComparison.Ordinal);
    }

    [Fact]
    public void Observations_out_of_order_or_outside_the_run_are_told_in_a_sentence()
    {
        var problem = EvolutionLibrary.Get("filtering");
        string Told(params Observation[] seen) => Assert.Throws<ArgumentException>((problem with { Observations = seen }).Check).Message;
        var (early, late) = (Observation.Linear(1, [0], 1), Observation.Linear(2, [0], 1));
        Assert.Contains("Observation 1 of 'filtering' is at t = 1, after one at t = 2", Told(late, early), StringComparison.Ordinal);
        Assert.Contains("in the order of time", Told(early, early), StringComparison.Ordinal);
        Assert.Contains("is at t = 7, beyond its last time, 5", Told(early, Observation.Linear(7, [0], 1)), StringComparison.Ordinal);
        Assert.Contains("must be a scalar", Told(new Observation(1, x => x)), StringComparison.Ordinal);
        Assert.Contains("of 'filtering' is NaN at x = (", Told(new Observation(1, x => (x[0] - 1000).Sqrt())), StringComparison.Ordinal);
    }

    [Fact]
    public void Another_observation_is_another_evolution()
    {
        var problem = EvolutionLibrary.Get("filtering");
        Assert.Equal(9, problem.Observations.Count);
        Assert.Equal([0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5], problem.Observations.Select(o => o.Time));
        Assert.Equal(problem.Identity(), EvolutionLibrary.Get("filtering@draw=1").Identity());
        string Word(EvolutionProblem other) => other.Identity().Single(i => i.Name == "evolution").Value;
        string[] words =
        [
            Word(problem), Word(EvolutionLibrary.Get("filtering@draw=2")), Word(problem with { Observations = [.. problem.Observations.Skip(1)] }),
            Word(problem with { Observations = [] }),
        ];
        Assert.Equal(words.Length, words.Distinct().Count());
    }
}
