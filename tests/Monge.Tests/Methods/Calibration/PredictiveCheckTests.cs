using Monge.Data;
using Monge.Diagnostics;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Tests.Methods.Calibration;

/// <summary>Predictive checks tell data that a model makes from data that it doesn't.</summary>
public sealed class PredictiveCheckTests
{
    private static PredictiveResult Check(string model, ulong seed, ModelData? data = null) => PredictiveCheck.Run(
        PosteriorLibrary.Find(model)!, target => new NutsSampler(target, new NutsOptions { Chains = 8, WarmUp = 200, Draws = 500 }), new Run { Seed = seed },
        new PredictiveOptions { Replicates = 200 }, data);

    [Fact]
    public void Data_that_the_model_made_lie_among_its_replicates()
    {
        for (ulong seed = 11; seed < 14; seed++)
        {
            var data = PosteriorLibrary.Find("garch")!.Simulate(new RandomStream(seed)).Data;
            var result = Check("garch", seed, data);
            Assert.All(result.Statistics, s => Assert.InRange(s.PosteriorProbability, 0.005, 0.995));
            Assert.Empty(result.Warnings);
        }
    }

    [Fact]
    public void What_the_model_does_not_make_is_told()
    {
        double[] y = [.. Enumerable.Range(0, 200).Select(i => i == 77 ? 12.0 : 0.3 * Math.Sin(7.3 * i))];
        var result = Check("arma", 11, ModelData.Of("a series with an outlier", ("y", y)));
        var largest = result.Statistics.Single(s => s.Statistic == "largest");
        Assert.Equal(12, largest.Seen);
        Assert.Equal(0, largest.PosteriorProbability);
        Assert.Null(largest.PriorProbability);
        var status = Assert.Single(result.Warnings, w => w.Code == StatusCode.Warning);
        Assert.StartsWith("the model doesn't make data like these: the ", status.Message, StringComparison.Ordinal);
    }

    // Effects of thousands where the prior expects some five or ten.
    [Fact]
    public void A_prior_that_makes_no_such_data_is_told()
    {
        var usual = PosteriorLibrary.Find("eight-schools")!.UsualData;
        var result = Check("eight-schools", 11, usual.With("y", [.. usual.Vector("y").Select(v => 1e6 + v)]));
        Assert.Contains(result.Warnings, w => w.Message.StartsWith("the prior makes no data like these", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Observing))]
    public void Every_model_makes_data_of_the_form_it_takes(string name)
    {
        var model = PosteriorLibrary.Find(name)!;
        var (posterior, random) = (model.Posterior(), new RandomStream(5));
        var parameters = model.CanSimulate
            ? model.Simulate(random).Parameters : PointFunction.At(posterior.Report, new double[posterior.Dimension], posterior.Dimension);
        var (first, second) = (model.Observe(parameters, random), model.Observe(parameters, random));
        Assert.NotEmpty(first.Differences(second));
        Assert.NotEmpty(model.UsualData.Differences(first));
        Assert.True(double.IsFinite(model.Posterior(first).LogDensityAt(new double[posterior.Dimension])[0]));
    }

    public static TheoryData<string> Observing => [.. PosteriorLibrary.All.Where(m => m.CanObserve).Select(m => m.Name)];
}
