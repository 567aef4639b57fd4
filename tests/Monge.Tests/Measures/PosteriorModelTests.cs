using System.Text;
using Monge.Data;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

/// <summary>The models of the library: their densities, the data they take, and what they simulate.</summary>
public sealed class PosteriorModelTests
{
    public static TheoryData<string> Names => [.. PosteriorLibrary.All.Select(m => m.Name)];

    private static ModelData Json(string text) => ModelData.FromJson("my data", Encoding.UTF8.GetBytes(text));

    [Theory]
    [MemberData(nameof(Names))]
    public void A_posterior_has_the_stated_size_and_a_gradient_that_fits_its_differences(string name)
    {
        var (model, density) = (PosteriorLibrary.Find(name)!, KnownTargets.Get(name));
        Assert.Equal(TargetLibrary.All.Single(t => t.Name == name).Dimension, density.Dimension);
        Assert.Same(model, TargetLibrary.All.Single(t => t.Name == name).Model);
        Assert.Equal(density.Names.Count, density.Names.Distinct().Count());
        if (density.Facts.Moments is { } moments)
        {
            Assert.Equal(density.Names.Count, moments.Mean.Length);
        }

        var random = new RandomStream(7);
        for (var trial = 0; trial < 3; trial++)
        {
            double[] x = [.. Enumerable.Range(0, density.Dimension).Select(_ => 0.3 * random.NextNormal())];
            double[] direction = [.. x.Select(_ => random.NextNormal() / Math.Sqrt(x.Length))];
            var slope = density.GradientAt(x).Zip(direction, (g, v) => g * v).Sum();

            // Differences of fourth order, whose own error is below the bar by some digits.
            double At(double h) => density.LogDensityAt([.. x.Zip(direction, (a, v) => a + (h * v))])[0];
            const double step = 1e-3;
            var difference = ((8 * (At(step) - At(-step))) - (At(2 * step) - At(-2 * step))) / (12 * step);
            Assert.Equal(slope, difference, 1e-6 * Math.Max(1, Math.Abs(slope)));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_usual_data_given_by_hand_make_the_same_posterior_of_which_nothing_is_known(string name)
    {
        var (model, density) = (PosteriorLibrary.Find(name)!, KnownTargets.Get(name));
        var own = model.Posterior(model.UsualData);
        var x = new double[density.Dimension];
        Assert.Equal(density.LogDensityAt(x), own.LogDensityAt(x));
        Assert.Equal(TargetFacts.None, own.Facts);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Simulated_data_make_a_posterior_in_which_their_parameters_lie(string name)
    {
        var model = PosteriorLibrary.Find(name)!;
        if (!model.CanSimulate)
        {
            Assert.Throws<NotSupportedException>(() => model.Simulate(new RandomStream(1)));
            return;
        }

        var (first, again) = (model.Simulate(new RandomStream(1)), model.Simulate(new RandomStream(1)));
        Assert.Equal(first.Parameters, again.Parameters);
        Assert.NotEqual(first.Parameters, model.Simulate(new RandomStream(2)).Parameters);
        var posterior = model.Posterior(first.Data);
        Assert.Equal(posterior.Names.Count, first.Parameters.Length);
        Assert.All(first.Parameters, p => Assert.True(double.IsFinite(p)));
        Assert.True(double.IsFinite(posterior.LogDensityAt(new double[posterior.Dimension])[0]));
    }

    [Fact]
    public void Names_of_posteriordb_find_the_same_models()
    {
        Assert.Equal(15, PosteriorLibrary.All.Count(m => m.PosteriorDbName is not null));
        Assert.Equal("arma", TargetLibrary.Get("arma-arma11").Name);
        Assert.Equal(114, PosteriorLibrary.All.Where(m => m.PosteriorDbName is not null).Sum(m => KnownTargets.Get(m.Name).Facts.Moments!.Mean.Length));
    }

    // Loops written out by hand, in the parameters themselves, log-Jacobians added.
    [Fact]
    public void Recursions_are_those_of_the_textbooks()
    {
        static double Normal(double x, double mean, double deviation) =>
            (-0.5 * (x - mean) * (x - mean) / (deviation * deviation)) - Math.Log(deviation) - (0.5 * Math.Log(2 * Math.PI));
        var y = PosteriorLibrary.Find("arma")!.UsualData.Vector("y");
        var (mean, phi, theta, sigma) = (0.2, 0.7, -0.3, 0.4);
        var error = y[0] - mean - (phi * mean);
        var log = Normal(mean, 0, 10) + Normal(phi, 0, 2) + Normal(theta, 0, 2) + Math.Log(2 / (Math.PI * 2.5)) - Math.Log(1 + (sigma * sigma / 6.25))
            + Math.Log(sigma) + Normal(error, 0, sigma);
        for (var t = 1; t < y.Length; t++)
        {
            error = y[t] - mean - (phi * y[t - 1]) - (theta * error);
            log += Normal(error, 0, sigma);
        }

        Assert.Equal(log, KnownTargets.Get("arma").LogDensityAt([mean, phi, theta, Math.Log(sigma)])[0], 1e-9);

        y = PosteriorLibrary.Find("hidden-markov")!.UsualData.Vector("y");
        double[] x = [0.3, -0.8, 0.9, 1.2];
        var (first, second, low) = (1 / (1 + Math.Exp(-x[0])), 1 / (1 + Math.Exp(-x[1])), Math.Exp(x[2]));
        var high = low + Math.Exp(x[3]);
        var (a, b) = (Normal(y[0], low, 1), Normal(y[0], high, 1));
        static double Add(double u, double v) => Math.Max(u, v) + Math.Log(1 + Math.Exp(-Math.Abs(u - v)));
        for (var t = 1; t < y.Length; t++)
        {
            (a, b) = (Add(a + Math.Log(first), b + Math.Log(second)) + Normal(y[t], low, 1),
                Add(a + Math.Log(1 - first), b + Math.Log(1 - second)) + Normal(y[t], high, 1));
        }

        log = Add(a, b) + Normal(low, 3, 1) + Normal(high, 10, 1) + Math.Log(first * (1 - first) * second * (1 - second)) + x[2] + x[3];
        Assert.Equal(log, KnownTargets.Get("hidden-markov").LogDensityAt(x)[0], 1e-9);

        var garch = PosteriorLibrary.Find("garch")!.UsualData;
        y = garch.Vector("y");
        var (level, share, memory, variance) = (0.4, 1 / 3.0, 1 / 3.0, garch.Number("sigma1") * garch.Number("sigma1"));

        // At u = 0 the pieces of the simplex are equal, and the Jacobian is their product.
        log = Normal(0.1, 0, 1) + Math.Log(2) + Normal(level, 0, 1) + Math.Log(level) + Math.Log(2) - (3 * Math.Log(3));
        for (var t = 0; t < y.Length; t++)
        {
            log += Normal(y[t], 0.1, Math.Sqrt(variance));
            variance = level + (share * (y[t] - 0.1) * (y[t] - 0.1)) + (memory * variance);
        }

        Assert.Equal(log, KnownTargets.Get("garch").LogDensityAt([0.1, Math.Log(level), 0, 0])[0], 1e-9);
    }

    // h = mu + phi (h - mu) + sigma z: the two parametrisations are one law, whose densities differ by the Jacobian sigma^n / sqrt(1 - phi^2).
    [Fact]
    public void Volatility_centred_and_not_are_one_law()
    {
        var (free, centred) = (KnownTargets.Get("stochastic-volatility"), KnownTargets.Get("stochastic-volatility-centred"));
        var random = new RandomStream(3);
        double[] z = [-0.8, 1.5, -0.9, .. Enumerable.Range(0, free.Dimension - 3).Select(_ => random.NextNormal())];
        var reported = free.ReportAt(z);
        var (phi, sigma) = (reported[1], reported[2]);
        double[] h = [.. z[..3], .. reported[3..]];
        var jacobian = ((free.Dimension - 3) * Math.Log(sigma)) - (0.5 * Math.Log(1 - (phi * phi)));
        Assert.Equal(free.LogDensityAt(z)[0] - jacobian, centred.LogDensityAt(h)[0], 1e-8);
    }

    // y' = y (1 - y): logistic growth, and the order of the method.
    [Fact]
    public void Differential_equations_are_solved_to_the_fourth_order()
    {
        double[] times = [0.5, 1, 3];
        double[] Solve(int steps) => PointFunction.At(
            x => OdeTrajectory.Solve((_, y) => y * (1 - y), x, 0, times, steps).Reshape(3), [0.1], 1);
        double[] exact = [.. times.Select(t => 1 / (1 + (9 * Math.Exp(-t))))];
        var (coarse, fine) = (Solve(4), Solve(8));
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(exact[i], fine[i], 1e-5);
        }

        Assert.InRange((coarse[2] - exact[2]) / (fine[2] - exact[2]), 12, 20);
        Assert.Throws<ArgumentException>(() => OdeTrajectory.Solve((_, y) => y, Expr.Constant([1], 1), 1, [1, 2], 4));
    }

    [Theory]
    [InlineData("arma", """{"y":[1,2,null,4]}""", "my data: value 3 of 'y' is missing or not finite")]
    [InlineData("arma", """{"T":5,"y":[1,2,3,4]}""", "my data: 'T' is 5, but 'y' holds 4 numbers")]
    [InlineData("arma", """{"x":[1,2]}""", "my data: there is no 'y'; there is 'x'")]
    [InlineData("arma", """{"y":"words"}""", "missing or not finite")]
    [InlineData("arma", """{"y":[1,2],"y":[3]}""", "my data: 'y' is given twice")]
    [InlineData("arma", """{"y":[]}""", "my data: 'y' is empty")]
    [InlineData("arma", "[1, 2]", "my data: data of a model are a JSON object")]
    [InlineData("arma", """{"y":[1,2""", "my data: is no JSON text")]
    [InlineData("eight-schools", """{"y":[1,2],"sigma":[1,0]}""", "my data: value 2 of 'sigma' is 0; it must be above 0")]
    [InlineData("eight-schools", """{"y":[1,2],"sigma":[1,1,1]}""", "'sigma' holds 3 numbers; there must be 2, as of 'y'")]
    [InlineData("gp-poisson", """{"x":[1,2,1],"k":[1,2,3]}""", "values 1 and 3 of 'x' are the same, 1, so the covariance is singular at row 3")]
    [InlineData("gp-poisson", """{"x":[1,2],"k":[1,2.5]}""", "value 2 of 'k' is 2.5; it must be a count")]
    [InlineData("lotka-volterra", """{"ts":[1,1],"y":[[1,2],[3,4]],"y_init":[1,1]}""", "time 2 isn't after the one before it")]
    [InlineData("lotka-volterra", """{"ts":[1,2],"y":[[1,2],[3]],"y_init":[1,1]}""", "the rows of 'y' are not all of the same length")]
    [InlineData("regression", """{"y":[1,2,3,4,5],"X":[[1,1],[1,1],[1,1],[1,1],[1,1]]}""", "column 2 of 'X' is a constant or a combination of the columns")]
    [InlineData("regression", """{"y":[1,2],"X":[[1,2],[3,4]]}""", "2 observations are too few for 2 weights with flat priors")]
    [InlineData("sonar", """{"y":[1,1],"X":[[1],[2]]}""", "all values of 'y' are 1; there must be both kinds")]
    [InlineData("seeds", """{"r":[3],"N":[2],"x1":[0],"x2":[1]}""", "value 1 of 'r' is 3, above that of 'N', 2")]
    [InlineData("brownian", """{"T":3,"t":[0,5],"y":[1,2]}""", "'T' is 3; it must be a whole number above the last of 't', 5")]
    [InlineData("one-compartment", """{"D":30,"V":-2,"times":[1,2],"C_hat":[1,1]}""", "value 1 of 'V' is -2; it must be above 0")]
    public void Wrong_data_are_told_in_a_sentence(string name, string data, string sentence)
    {
        var error = Assert.Throws<DataFormatException>(() => PosteriorLibrary.Find(name)!.Posterior(Json(data)));
        Assert.Contains(sentence, error.Message, StringComparison.Ordinal);
    }

    // Mean and variance are both the rate, on both sides of where the method changes; a rate past all whole numbers of 32 bits takes no longer.
    [Theory]
    [InlineData(0.3)]
    [InlineData(9.5)]
    [InlineData(10.5)]
    [InlineData(400)]
    [InlineData(1e12)]
    public void Counts_are_drawn_of_any_rate(double rate)
    {
        const int n = 20_000;
        var random = new RandomStream(5);
        double[] draws = [.. Enumerable.Range(0, n).Select(_ => Monge.Measures.Posteriors.PosteriorParts.Poisson(random, rate))];
        var mean = draws.Average();
        var variance = draws.Average(k => (k - mean) * (k - mean));
        Assert.Equal(0, (mean - rate) / Math.Sqrt(rate / n), 4.5);
        Assert.Equal(1, variance / rate, 4.5 * Math.Sqrt((2 + (1 / rate)) / n));
        Assert.All(draws, k => Assert.True(k >= 0 && k == Math.Floor(k)));
    }

    [Fact]
    public void A_table_and_an_object_of_the_same_numbers_are_the_same_data()
    {
        var table = ModelData.FromTable(DataTable.From([1, 0.5, 2, 3, 4, 1, 2, 0, 7], 3, ["a", "y", "b"]));
        var json = Json("""{"y":[0.5,4,0],"X":[[1,2],[3,1],[2,7]]}""");
        Assert.Equal(json.Features("X", 3, "y"), table.Features("X", 3, "y"));
        Assert.Equal(json.Vector("y"), table.Vector("y"));
        Assert.Equal(["a", "b"], table.FeatureNames("X", "y"));
        Assert.Null(json.FeatureNames("X", "y"));
        Assert.Equal([9, 9, 9], table.With("y", 9, 9, 9).Vector("y"));
        Assert.Equal(2.5, ModelData.Of("here", ("s", [2.5])).Number("s"));
    }
}
