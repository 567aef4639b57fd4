using Monge.Measures;
using Monge.References;

namespace Monge.Tests.References;

/// <summary>Kalman's filter by itself, and the grid's and the bootstrap filter beside it.</summary>
public sealed class FilterTests
{
    private static readonly double[] s_times = [0.4, 0.9, 1.3];
    private static readonly double[] s_seen = [0.8, -0.6, 1.7];
    private const double Noise = 0.5;
    private const double Until = 1.6;

    [Fact]
    public void Observations_at_once_and_one_after_the_other_give_one_law_and_one_evidence()
    {
        KalmanFilter Begin()
        {
            var filter = new KalmanFilter([1, -1], new[,] { { 2, 0.5 }, { 0.5, 1 } });
            filter.Predict(new[,] { { 0.9, 0.2 }, { 0, 0.8 } }, [0.1, 0], new[,] { { 0.3, 0 }, { 0, 0.2 } });
            return filter;
        }

        var (once, twice) = (Begin(), Begin());
        Assert.Equal((0.9 * 1) + (0.2 * -1) + 0.1, once.Mean[0], 1e-12);
        Assert.Equal(-0.8, once.Mean[1], 1e-12);
        Assert.Equal((0.81 * 2) + (2 * 0.9 * 0.2 * 0.5) + (0.04 * 1) + 0.3, once.Covariance[0, 0], 1e-12);
        once.Observe(new double[,] { { 1, 0 }, { 1, 1 } }, [0.3, 0.9], 0.7);
        twice.Observe(new double[,] { { 1, 0 } }, [0.3], 0.7);
        twice.Observe(new double[,] { { 1, 1 } }, [0.9], 0.7);
        Assert.All(once.Mean.Zip(twice.Mean), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        Assert.All(
            once.Covariance.Cast<double>().Zip(twice.Covariance.Cast<double>()), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        Assert.Equal(once.LogEvidence, twice.LogEvidence, 1e-12);
    }

    [Fact]
    public void The_grid_filter_is_Kalmans_where_all_is_linear()
    {
        var (kalman, grid) = (Kalman(), GridFilter.Run(Linear(), new CellAxis(-9, 9, 1800), Until, 2e-3));
        Assert.Equal(3, grid.Filtered.Count);
        Assert.Equal(kalman.Mean[0], grid.Law.Mean, 1e-4);
        Assert.Equal(kalman.Covariance[0, 0], grid.Law.Variance, 1e-4);
        Assert.Equal(kalman.LogEvidence, grid.LogEvidence, 1e-4);
    }

    [Fact]
    public void The_bootstrap_filter_is_Kalmans_within_its_error()
    {
        const int particles = 40_000;
        var (kalman, filter) = (Kalman(), BootstrapFilter.Run(Linear(), particles, Until, 5e-3, seed: 11));
        var mean = filter.Positions.Average();
        Assert.Equal(kalman.Mean[0], mean, 0.03);
        Assert.Equal(kalman.Covariance[0, 0], filter.Positions.Average(x => (x - mean) * (x - mean)), 0.04);
        Assert.Equal(kalman.LogEvidence, filter.LogEvidence, 0.05);
        Assert.All(filter.EffectiveShares, share => Assert.InRange(share, 0.1, 1));
        Assert.Equal(filter.Positions, BootstrapFilter.Run(Linear(), particles, Until, 5e-3, seed: 11, threads: 1).Positions);
    }

    [Fact]
    public void The_library_knows_the_law_of_its_linear_problem()
    {
        var problem = EvolutionLibrary.Get("filtering-linear@draw=3");
        var grid = GridFilter.Run(problem, new CellAxis(-9, 9, 1800), 5, 4e-3);
        for (var k = 0; k < problem.Observations.Count; k++)
        {
            var law = problem.Facts.Law!(problem.Observations[k].Time);
            Assert.Equal(law.Mean![0], grid.Filtered[k].Mean, 1e-3);
            Assert.Equal(law.Covariance![0, 0], grid.Filtered[k].Variance, 1e-3);
        }

        Assert.Equal(problem.Facts.Law!(5).Mean![0], grid.Law.Mean, 1e-3);
    }

    [Fact]
    public void An_evolution_that_a_filter_is_not_for_is_refused()
    {
        var plane = EvolutionLibrary.Get("ou-2");
        Assert.Contains(
            "'ou-2' is not a diffusion on the line",
            Assert.Throws<ArgumentException>(() => GridFilter.Run(plane, new CellAxis(-1, 1, 10), 1, 0.1)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "not a diffusion of independent particles",
            Assert.Throws<ArgumentException>(() => BootstrapFilter.Run(EvolutionLibrary.Get("aggregation-2"), 10, 1, 0.1)).Message, StringComparison.Ordinal);
    }

    private static EvolutionProblem Linear() => new()
    {
        Name = "linear",
        Initial = GaussianBase.Diagonal([0.5], [1.2]),
        Energy = new FreeEnergy { Potential = x => 0.5 * (x[0] - 1).Square(), Temperature = 0.8 },
        Until = Until,
        Observations = [.. s_times.Zip(s_seen, (time, seen) => Observation.Linear(time, [seen], Noise))],
    };

    // dX = -(X - 1) dt + sqrt(1.6) dW.
    private static KalmanFilter Kalman()
    {
        var (filter, at) = (new KalmanFilter([0.5], new[,] { { 1.44 } }), 0.0);
        void Move(double to)
        {
            var share = Math.Exp(at - to);
            filter.Predict(new[,] { { share } }, [1 - share], new[,] { { 0.8 * (1 - (share * share)) } });
            at = to;
        }

        for (var k = 0; k < s_times.Length; k++)
        {
            Move(s_times[k]);
            filter.Observe(new double[,] { { 1 } }, [s_seen[k]], Noise);
        }

        Move(Until);
        return filter;
    }
}
