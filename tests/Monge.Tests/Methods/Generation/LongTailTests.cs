using Monge.Data;
using Monge.Dynamics;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.OptimalTransport;
using Monge.Runs;

namespace Monge.Tests.Methods.Generation;

/// <summary>Fits of tables in which few rows or long tails set the standard deviation of a column: its model is learned under a curve.</summary>
public sealed class LongTailTests
{
    [Fact]
    public void A_model_before_its_first_step_is_a_Gaussian_under_the_curves()
    {
        using var scratch = new Monge.Tests.Data.Scratch();
        var data = FlowData.From(Table());
        using var training = new InterpolantFit(data, FlowModelTests.Small(new InterpolantOptions())).Begin(new Run { Threads = 1 });
        var path = scratch.File("m.safetensors");
        training.Model().Save(path);
        var model = FlowModel.Load(path, MethodRegistry.Fits);
        Assert.Equal(
            [ColumnCurve.Logarithm, ColumnCurve.InverseHyperbolicSine, null], model.Standardisation.Transforms.Select(transform => transform?.Curve));

        double[] rows = [.. Table().Values.Take(60), 1e-9, 1e12, 4];
        var settings = new FlowSettings { Tolerance = 1e-9, Threads = 1 };
        var (noise, changes) = (model.Standardisation.Apply(rows), model.Standardisation.LogDeterminants(rows));
        var density = model.LogDensity(rows, settings);
        for (var row = 0; row < rows.Length / 3; row++)
        {
            var exact = noise[(3 * row)..(3 * (row + 1))].Sum(u => (-0.5 * u * u) - (0.5 * Math.Log(2 * Math.PI))) - changes[row];
            Assert.Equal(exact, density[row], 1e-6);
        }

        Assert.All(model.ToData(model.ToBase(rows, settings), settings).Zip(rows), pair => Assert.Equal(1, pair.First / pair.Second, 1e-5));
        Assert.All(model.Generate(200, settings).Where((_, i) => i % 3 == 0), x => Assert.True(x > 0));
        var error = Assert.Throws<ArgumentException>(() => model.LogDensity([1, 1, 1, -2, 1, 1]));
        Assert.Contains("Row 2, column 'amount' holds -2, but the model was fitted to positive numbers", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_keeps_proportions_of_distances_has_no_curves()
    {
        bool IsCurved(InterpolantOptions options, FlowData? data = null) =>
            PreparedPairs.Prepare(data ?? FlowData.From(Table()), options.Pairing, needsBase: true, 1).Standardisation.Transforms.Count > 0;
        Assert.True(IsCurved(new InterpolantOptions()));
        Assert.False(IsCurved(new InterpolantOptions { Coupling = CouplingKind.OptimalTransport }));
        Assert.False(IsCurved(new InterpolantOptions { Standardisation = StandardisationKind.Isotropic }));
        Assert.False(IsCurved(new InterpolantOptions(), FlowData.From(Table()).FromBase(Table())));
        Assert.False(IsCurved(new InterpolantOptions(), FlowData.From(Table().Select(["plain"]))));
    }

    private static DataTable Table()
    {
        var random = new RandomStream(5);
        double[] values = [.. Enumerable.Range(0, 400).SelectMany(_ => (double[])
            [Math.Exp(2.5 * random.NextNormal()), random.NextNormal() / random.NextNormal(), 3 + random.NextNormal()])];
        return DataTable.From(values, 3, ["amount", "ratio", "plain"]);
    }
}
