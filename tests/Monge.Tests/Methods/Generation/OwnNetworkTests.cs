using Monge.Data;
using Monge.Dynamics;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Methods;
using Monge.Paths;
using Monge.Runs;

namespace Monge.Tests.Methods.Generation;

/// <summary>Networks and schedules of a program's own inside the fit of the library.</summary>
public sealed class OwnNetworkTests : IDisposable
{
    private const string Sines = "sines of a test";
    private const string Line = "line of a test";
    private const string Late = "late of a test";
    private readonly string _folder = Directory.CreateTempSubdirectory("monge-test-").FullName;

    static OwnNetworkTests()
    {
        InterpolantSchedules.Add(new InterpolantSchedule(Late, t => 1 - t.Square(), t => t.Square()));
        FlowNetworks.Add(Sines, (parameters, initializer, options) => (name, inputs, outputs) =>
        {
            var first = initializer.Add(parameters, $"{name}.first", 1, 8, inputs + 1);
            var last = initializer.Add(parameters, $"{name}.last", 0, outputs, 8);
            return (u, t) => Expr.MatrixProduct(last, Expr.MatrixProduct(first, Expr.Concat(0, u, t.Reshape(1))).Sin());
        });

        // Any field is a network, here a single matrix.
        FlowNetworks.Add(Line, (parameters, initializer, options) => (name, inputs, outputs) =>
        {
            var matrix = initializer.Add(parameters, $"{name}.matrix", 0, outputs, inputs);
            IVectorField field = new FormulaField(outputs, (x, t) => t * Expr.MatrixProduct(matrix, x));
            return field.Apply;
        });
    }

    public static TheoryData<string, string> Parts() => new() { { Sines, Late }, { Sines, "linear" }, { Line, Late } };

    [Theory]
    [MemberData(nameof(Parts))]
    public void A_fit_with_them_is_saved_read_resumed_and_told_as_any_other(string network, string schedule)
    {
        var data = FlowData.From(Table(400));
        InterpolantOptions Options(long steps)
        {
            var small = FlowModelTests.Small(new InterpolantOptions { Network = network, Schedule = schedule });
            return small with { Training = small.Training with { Iterations = steps } };
        }

        var model = new InterpolantFit(data, Options(80)).Run(new Run { Threads = 1, Folder = _folder });
        Assert.True(File.Exists(Path.Combine(_folder, RunSession.CheckpointName)));
        var resumed = new InterpolantFit(data, Options(80)).Run(new Run { Threads = 1, Folder = _folder, Resume = true });
        Assert.Equal(model.ParameterValues.Span.ToArray(), resumed.ParameterValues.Span.ToArray());
        var settings = new FlowSettings { Steps = 8, Threads = 1, Seed = 4 };
        var rows = model.Generate(200, settings);
        model.Save(Path.Combine(_folder, "m.safetensors"));
        var read = FlowModel.Load(Path.Combine(_folder, "m.safetensors"), MethodRegistry.Fits);
        Assert.Equal(rows, read.Generate(200, settings));
        var options = (InterpolantOptions)read.Options;
        Assert.Equal((network, schedule), (options.Network, options.Schedule));

        // The density is that of the rows' law: back at the base they are where they came from.
        var densities = read.LogDensity(rows[..20], new FlowSettings { Tolerance = 1e-7, Threads = 1 });
        Assert.All(densities, value => Assert.True(double.IsFinite(value)));
        var back = read.ToData(read.ToBase(rows, new FlowSettings { Tolerance = 1e-8 }), new FlowSettings { Tolerance = 1e-8 });
        Assert.All(back.Zip(rows), pair => Assert.Equal(pair.Second, pair.First, 1e-4));
    }

    [Fact]
    public void Names_are_taken_once_and_unknown_ones_are_told()
    {
        Assert.Contains("already", Assert.Throws<ArgumentException>(() => FlowNetworks.Add(Sines, (_, _, _) => null!)).Message, StringComparison.Ordinal);
        var linear = new InterpolantSchedule("linear", t => 1 - t, t => t);
        Assert.Contains("already", Assert.Throws<ArgumentException>(() => InterpolantSchedules.Add(linear)).Message, StringComparison.Ordinal);
        var colon = new InterpolantSchedule("a:b", t => 1 - t, t => t);
        Assert.Contains("colon", Assert.Throws<ArgumentException>(() => InterpolantSchedules.Add(colon)).Message, StringComparison.Ordinal);
        var unknown = Assert.Throws<ArgumentException>(() => new InterpolantFit(FlowData.From(Table(50)), new InterpolantOptions { Network = "none" }));
        Assert.Contains("FlowNetworks.Add", unknown.Message, StringComparison.Ordinal);
        Assert.Contains(Late, InterpolantSchedules.Names);
        Assert.Equal(Late, InterpolantSchedules.Get(Late).Name);
    }

    [Fact]
    public async Task Many_threads_draw_from_one_model_at_once()
    {
        using var training = new InterpolantFit(FlowData.From(Table(200)), FlowModelTests.Small(new InterpolantOptions())).Begin(new Run { Threads = 1 });
        training.Step();
        var model = training.Model();
        double[] Draw(int seed) => model.Generate(50, new FlowSettings { Steps = 4, Threads = 1, Seed = (ulong)seed });
        double[] Density(int seed) => model.LogDensity(Draw(seed)[..10], new FlowSettings { Steps = 4, Threads = 1 });
        var alone = Enumerable.Range(1, 6).Select(seed => (Draw(seed), Density(seed))).ToArray();
        var together = await Task.WhenAll(Enumerable.Range(1, 6).Select(seed => Task.Run(() => (Draw(seed), Density(seed)))));
        Assert.All(alone.Zip(together), pair =>
        {
            Assert.Equal(pair.First.Item1, pair.Second.Item1);
            Assert.Equal(pair.First.Item2, pair.Second.Item2);
        });
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static DataTable Table(int rows)
    {
        var random = new RandomStream(7);
        var values = new double[2 * rows];
        for (var i = 0; i < values.Length; i += 2)
        {
            values[i] = random.NextNormal();
            values[i + 1] = (0.5 * values[i]) + random.NextNormal();
        }

        return DataTable.From(values, 2, source: "rows");
    }
}
