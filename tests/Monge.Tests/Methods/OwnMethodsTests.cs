using Monge.Data;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;
using Monge.Training;

namespace Monge.Tests.Methods;

/// <summary>Methods of two kinds from outside the library, made of public parts only: each is one class and one line of the registry.</summary>
public sealed class OwnMethodsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("monge-test-").FullName;

    [Fact]
    public void A_sampler_is_a_class_and_a_line()
    {
        MethodRegistry.Add(MethodRegistry.Sampler<WidenedOptions>("toy-widened", "Wide", "Weights.", [], (target, options) => new Widened(target, options)));
        var entry = MethodRegistry.Samplers.Single(m => m.Facts.Name == "toy-widened");
        var target = Density.Create("gaussian", 2, x => 0.5 - (0.5 * x.SquaredNorm()) - Math.Log(2 * Math.PI));
        foreach (var seed in new ulong[] { 1, 2, 3 })
        {
            var draws = entry.Bind(new SamplingProblem(target, 4000), new() { ["scale"] = 1.5 }).Run(new Run { Seed = seed });
            Assert.True(Math.Abs(draws.LogZ - 0.5) < 5 * draws.LogZError, $"log Z {draws.LogZ} +- {draws.LogZError}");
            Assert.Equal("toy-widened", draws.Method);
        }

        Assert.Contains(
            "above 0",
            Assert.Throws<ArgumentException>(() => entry.Bind(new SamplingProblem(target, 2), new() { ["scale"] = 0 })).Message,
            StringComparison.Ordinal);
        Assert.Contains("already", Assert.Throws<ArgumentException>(() => MethodRegistry.Add(entry)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fit_is_a_class_and_a_line()
    {
        MethodRegistry.Add(MethodRegistry.Fit<BriefOptions>("toy-brief", "Brief", "A small network.", [], (data, options) => new Brief(data, options)));
        var entry = MethodRegistry.Fits.Single(m => m.Facts.Name == "toy-brief");
        double[] rows = [.. GaussianBase.Isotropic(2).Sample(200, new(1, 5))];
        var model = entry.Bind(new FitProblem(FlowData.From(DataTable.From(rows, 2))), new() { ["iterations"] = 20 }).Run(new Run { Threads = 1 });
        Assert.Equal(20, model.Report.Iterations);
        Assert.All(model.Generate(10), v => Assert.True(double.IsFinite(v)));
    }

    [Fact]
    public void A_fit_with_a_network_of_its_own_has_all_that_a_model_has()
    {
        MethodRegistry.Add(
            MethodRegistry.Fit<StraightOptions>("toy-straight", "Straight", "Straight paths.", [], (data, options) => new Straight(data, options)));
        var entry = MethodRegistry.Fits.Single(m => m.Facts.Name == "toy-straight");
        var random = new RandomStream(6);
        double[] rows = [.. Enumerable.Range(0, 600).SelectMany(_ => new[] { 4 + (2 * random.NextNormal()), -1 + (0.5 * random.NextNormal()) })];
        var data = FlowData.From(DataTable.From(rows, 2, ["x", "y"]));
        FlowModel Fit(Run run) => entry.Bind(new FitProblem(data), new() { ["iterations"] = 200 }).Run(run);
        var (model, settings) = (Fit(new Run { Threads = 1 }), new FlowSettings { Tolerance = 1e-7, Threads = 1 });

        // Five standard errors of the table's and the drawn rows' means, and as much again for what is learned.
        var drawn = model.Generate(4000, settings);
        Assert.Equal(4, drawn.Where((_, i) => i % 2 == 0).Average(), 10 * 2 / Math.Sqrt(600));
        Assert.Equal(-1, drawn.Where((_, i) => i % 2 == 1).Average(), 10 * 0.5 / Math.Sqrt(600));
        Assert.All(model.ToData(model.ToBase(rows[..20], settings), settings).Zip(rows), p => Assert.Equal(p.Second, p.First, 1e-4));

        // Whatever was learned, the density integrates to one.
        const int side = 60;
        double[] grid = [.. Enumerable.Range(0, side * side).SelectMany(i => new[] { -8 + (0.4 * (i / side + 0.5)), -4 + (0.1 * (i % side + 0.5)) })];
        Assert.Equal(1, model.LogDensity(grid, settings).Sum(Math.Exp) * 0.4 * 0.1, 0.01);
        Assert.Contains(
            "score isn't known", Assert.Throws<InvalidOperationException>(() => model.Generate(2, new() { Diffusion = 1 })).Message, StringComparison.Ordinal);

        // Interrupted and gone on with, it writes the same bytes; its file gives it back.
        var (whole, resumed) = (Path.Combine(_folder, "whole.safetensors"), Path.Combine(_folder, "resumed.safetensors"));
        model.Save(whole);
        using var stop = new CancellationTokenSource();
        var run = new Run { Threads = 2, Folder = _folder, Resume = true };
        var interrupt = new Reporter(p => CancelFrom(20, p, stop));
        Assert.Throws<OperationCanceledException>(() => Fit(run with { Progress = interrupt, Cancellation = stop.Token }));
        Fit(run).Save(resumed);
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(resumed));
        var read = FlowModel.Load(whole, MethodRegistry.Fits);
        Assert.Equal(("toy-straight", model.Report), (read.Method, read.Report));
        Assert.Equal(model.Options, read.Options);
        Assert.Equal(drawn, read.Generate(4000, settings));
        Assert.Contains(
            "fitted by the method 'toy-straight', which is not known here",
            Assert.Throws<DataFormatException>(() => FlowModel.Load(whole, MethodRegistry.Fits.Where(m => m != entry))).Message,
            StringComparison.Ordinal);

        // What the commands write and draw of a fit.
        var result = FitResult.Of(read, data, run);
        Assert.Equal(model.ParameterValues.Length, (int)result.ToJson()["parameters"]!);
        Assert.Contains("toy-straight, ", string.Join('\n', result.Draw("monge fit", metrics: null).Summary), StringComparison.Ordinal);
    }

    [Fact]
    public void A_fit_with_a_network_of_its_own_may_be_conditioned()
    {
        var random = new RandomStream(2);
        double[] rows = [.. Enumerable.Range(0, 600).SelectMany(i => new[] { (i % 2 == 0 ? -3 : 3) + random.NextNormal(), i % 2 })];
        var data = FlowData.From(DataTable.From(rows, 2, ["x", "k"]), "k");
        var model = new Straight(data, new StraightOptions { Iterations = 200 }).Run(new Run { Threads = 1 });
        double Mean(string k) => model.Generate(2000, new FlowSettings { Given = ConditionValues.Value("k", k), Threads = 1 }).Average();
        Assert.Equal(-3, Mean("0"), 0.5);
        Assert.Equal(3, Mean("1"), 0.5);
        Assert.Contains("always given", Assert.Throws<ArgumentException>(() => model.Generate(2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parts_that_make_no_model_are_refused_in_words()
    {
        var (options, report) = (new StraightOptions(), new FitReport("rows", 2, 0, 0, 0, double.NaN, 1));
        var ends = new FlowEnds(["x"], new Standardisation([0.0], [1.0]), FlowBase.Gaussian);
        string Refused(FlowEnds given) =>
            Assert.Throws<ArgumentException>(() => new FlowModel("toy-straight", options, given, report, new NdArray<float>(3))).Message;
        Assert.Contains("parameters; 3 were given", Refused(ends), StringComparison.Ordinal);
        var parameters = new ParameterSet();
        options.NewFields(ends, parameters, new ParameterInitializer());
        var wide = ends with { Standardisation = new Standardisation([0.0, 0], [1.0, 0, 0, 1]) };
        Assert.Contains(
            "1 columns, but its standardisation, base and velocity have 2, 1, 1 coordinates",
            Assert.Throws<ArgumentException>(() => new FlowModel("toy-straight", options, wide, report, new NdArray<float>(parameters.Count))).Message,
            StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static void CancelFrom(long iteration, TrainingProgress progress, CancellationTokenSource stop)
    {
        if (progress.Iteration >= iteration)
        {
            stop.Cancel();
        }
    }

    private sealed record WidenedOptions : IMethodOptions
    {
        public double Scale { get; init; } = 2;

        public void Check() => OptionCheck.Above<double>(Scale, 0);
    }

    private sealed class Widened(Density target, WidenedOptions options) : ISamplingMethod
    {
        public string Name => "toy-widened";

        public IMethodOptions Options => options;

        public SampleSet Sample(int samples, Run run)
        {
            SamplingMethods.Check(target, samples);
            var proposal = GaussianBase.Isotropic(target.Dimension, options.Scale);
            var positions = proposal.Sample(samples, new(run.Seed, 77));
            var d = target.Dimension;
            double LogNormal(double x) => (-0.5 * x * x / (options.Scale * options.Scale)) - Math.Log(options.Scale) - (0.5 * Math.Log(2 * Math.PI));
            double LogProposal(int i) => positions.AsSpan(i * d, d).ToArray().Sum(LogNormal);
            double[] logWeights = [.. target.LogDensityAt(positions).Select((log, i) => log - LogProposal(i))];
            return SampleSet.Of(target, positions, logWeights, Name, options, "a wider Gaussian", run.Seed);
        }
    }

    private sealed record BriefOptions : IMethodOptions
    {
        public long Iterations { get; init; } = 50;

        public void Check() => OptionCheck.AtLeast<long>(Iterations, 1);
    }

    private sealed class Brief(FlowData data, BriefOptions options) : IMethod<FlowModel>
    {
        private readonly InterpolantFit _fit = new(
            data,
            new InterpolantOptions { Patience = 0, Training = new() { Iterations = options.Iterations, BatchSize = 32 }, Size = new() { Depth = 1 } });

        public IMethodOptions Options => options;

        public FlowModel Run(Run run) => _fit.Run(run);
    }

    private sealed record StraightOptions : IFlowOptions
    {
        public long Iterations { get; init; } = 500;

        public int Width { get; init; } = 16;

        public void Check()
        {
            OptionCheck.AtLeast<long>(Iterations, 1);
            OptionCheck.AtLeast<int>(Width, 1);
        }

        public FlowFields NewFields(FlowEnds ends, ParameterSet parameters, ParameterInitializer initializer)
        {
            var inputs = ends.Dimension + (ends.Inputs == 0 ? 0 : ends.Inputs + 1);
            var network = new Perceptron(
                parameters, initializer, "velocity", inputs, ends.Dimension, new() { Width = Width, Depth = 2 }, PerceptronCondition.Time(2));
            return new FlowFields(condition =>
                new FormulaField(ends.Dimension, (x, t) => network.Apply(condition is null ? x : Expr.Concat(0, x, condition), t)));
        }
    }

    /// <summary>Learns x_1 - x_0 along straight lines between a normal number x_0 and a row x_1.</summary>
    private sealed class Straight(FlowData data, StraightOptions options) : IMethod<FlowModel>
    {
        public IMethodOptions Options => options;

        public FlowModel Run(Run run)
        {
            var table = data.Table!;
            var rows = table.Select(data.Names).Values;
            var standardisation = Standardisation.Of(rows, data.Dimension, StandardisationKind.Columns);
            var ends = new FlowEnds(data.Names, standardisation, FlowBase.Gaussian) { Conditions = data.Conditions };
            var given = ends.Inputs == 0 ? null : ConditionValues.Rows(table).Encode(data.Conditions, table.Rows);
            var session = new RunSession(run, new RunIdentity("toy-straight", new FitProblem(data).Identity(), options));
            using var lines = new StraightLines(options, ends, ends.ToModel<float>(rows, isBase: false), given, run);
            session.Iterate("train", lines, options.Iterations);
            var report = new FitReport(table.Source, table.Rows, 0, options.Iterations, options.Iterations, double.NaN, run.Seed);
            return new FlowModel("toy-straight", options, ends, report, lines.Parameters) { HeldOutRows = rows[..20] };
        }
    }

    private sealed class StraightLines : IIterative, IDisposable
    {
        private const int Batch = 256;
        private static readonly StreamName s_rows = StreamName.Of("toy rows");
        private readonly NdArray<float> _rows;
        private readonly float[]? _given;
        private readonly ulong _seed;
        private readonly GradientStep<float> _step;
        private readonly OptimiserState<float> _state;

        public StraightLines(StraightOptions options, FlowEnds ends, NdArray<float> rows, float[]? given, Run run)
        {
            (_rows, _given, _seed) = (rows, given, run.Seed);
            var (parameters, initializer, d) = (new ParameterSet(), new ParameterInitializer(), ends.Dimension);
            var condition = given is null ? null : Expr.Input("condition", ends.Inputs + 1);
            var velocity = options.NewFields(ends, parameters, initializer).Velocity(condition);
            var (x0, x1, t) = (Expr.Random(RandomLaw.Normal, StreamName.Of("toy base"), d), Expr.Input("x1", d),
                Expr.Random(RandomLaw.Uniform, StreamName.Of("toy times")));
            var loss = (velocity.Apply(((1 - t) * x0) + (t * x1), t) - (x1 - x0)).SquaredNorm() / Batch;
            var how = new GradientStepOptions { LearningRate = new WarmCosineRate(2e-2), AverageDecay = 0.95 };
            _step = new GradientStep<float>(parameters, loss, Batch, how, run.Execution);
            _state = _step.Init(initializer, new RandomKey(_seed, StreamName.Of("toy parameters")));
        }

        public NdArray<float> Parameters => _state.Average;

        public void Init()
        {
        }

        public StepInfo Step(long iteration, long total)
        {
            var random = new RandomStream(_seed, s_rows.Member((int)iteration));
            int[] chosen = [.. Enumerable.Range(0, Batch).Select(_ => random.NextInt(_rows.Rows))];
            _step.Program["x1"] = NdArray<float>.From([.. chosen.SelectMany(i => _rows.Row(i).ToArray())], Batch, _rows.RowLength);
            if (_given is not null)
            {
                var c = _given.Length / _rows.Rows;
                _step.Program["condition"] = NdArray<float>.From([.. chosen.SelectMany(i => _given[(i * c)..((i + 1) * c)])], Batch, c);
            }

            return _step.Run(_state, iteration, total, new DrawKey(_seed, (ulong)iteration));
        }

        public void Exchange(RunState state) => state.Exchange(_state);

        public void Dispose() => _step.Dispose();
    }

    private sealed class Reporter(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
