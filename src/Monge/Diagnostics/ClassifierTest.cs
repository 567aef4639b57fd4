using System.Globalization;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Training;

namespace Monge.Diagnostics;

/// <summary>How the classifier is trained.</summary>
public sealed record ClassifierTestOptions
{
    /// <summary>Units of each of the two hidden layers.</summary>
    public int Width { get; init; } = 64;

    /// <summary>Optimiser steps.</summary>
    public int Iterations { get; init; } = 800;

    /// <summary>Most rows of each class.</summary>
    public int MostRows { get; init; } = 5000;

    /// <summary>Seed of the split, the start and the batches.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Threads; 0 is one for each processor. Results don't depend on it.</summary>
    public int Threads { get; init; }
}

/// <summary>
/// The classifier two-sample test: a small network learns to tell generated rows from rows of the data; its accuracy on rows that it hasn't seen is one half
/// when the laws agree. Half of the rows of each class train it, a tenth choose among the steps, the rest judge.
/// </summary>
/// <remarks>Source: D. Lopez-Paz and M. Oquab, "Revisiting classifier two-sample tests" (arXiv 1610.06545).</remarks>
/// <param name="Accuracy">Share of held-out rows told right.</param>
/// <param name="Error">Its standard error.</param>
/// <param name="TestRows">Held-out rows, of both classes together.</param>
public sealed record ClassifierTest(double Accuracy, double Error, int TestRows)
{
    private const double TrainingShare = 0.5;
    private const double ChoiceShare = 0.1;
    private const int Batch = 256;
    private const int Choices = 16;
    private const int LeastRows = 20;

    /// <summary>How far the accuracy lies above one half, in standard deviations of pure guessing.</summary>
    public double Excess => (Accuracy - 0.5) * 2 * Math.Sqrt(TestRows);

    /// <summary>Trains the classifier and judges it.</summary>
    /// <param name="x">Generated rows [n, d].</param>
    /// <param name="y">Rows of the data [m, d]; as many of the larger set are used as the smaller has.</param>
    /// <param name="dimension">d.</param>
    /// <param name="options">How it is trained; null for the defaults.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="ArgumentException">A set is unusable or has fewer than 20 rows.</exception>
    public static ClassifierTest Compute(double[] x, double[] y, int dimension, ClassifierTestOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new ClassifierTestOptions();
        var rows = Math.Min(WeightedSamples.Normalise(x, dimension, null).Length, WeightedSamples.Normalise(y, dimension, null).Length);
        rows = Math.Min(rows, options.MostRows);
        if (rows < LeastRows)
        {
            throw new ArgumentException($"The classifier test needs at least {LeastRows} rows of each kind; there are {rows}.", nameof(x));
        }

        var random = new RandomStream(options.Seed, DiagnosticStreams.ClassifierSplit);
        var (first, second) = (random.Permutation(x.Length / dimension), random.Permutation(y.Length / dimension));
        var (train, choose) = ((int)(TrainingShare * rows), Math.Max(2, (int)(ChoiceShare * rows)));
        LabelledRows Part(int from, int to) => LabelledRows.Join(x, first[from..to], y, second[from..to], dimension);
        var training = Part(0, train);
        var scale = training.Scale();
        using var network = new Classifier(dimension, options);
        network.Train(training.Scaled(scale), Part(train, train + choose).Scaled(scale), cancellation);
        var test = Part(train + choose, rows).Scaled(scale);
        var accuracy = network.Judge(test).Accuracy;
        return new ClassifierTest(accuracy, Math.Sqrt(accuracy * (1 - accuracy) / test.Count), test.Count);
    }

    /// <summary>One line.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"classifier accuracy {Accuracy:0.000} ± {Error:0.000} on {TestRows} held-out rows (0.5 is guessing; excess {Excess:0.0} deviations)");

    private sealed record LabelledRows(float[] Values, float[] Labels, int Dimension)
    {
        public int Count => Labels.Length;

        public static LabelledRows Join(double[] x, int[] chosenX, double[] y, int[] chosenY, int d)
        {
            var (values, labels) = (new float[(chosenX.Length + chosenY.Length) * d], new float[chosenX.Length + chosenY.Length]);
            for (var row = 0; row < labels.Length; row++)
            {
                var generated = row < chosenX.Length;
                var (from, at) = generated ? (x, chosenX[row]) : (y, chosenY[row - chosenX.Length]);
                labels[row] = generated ? 1 : 0;
                for (var j = 0; j < d; j++)
                {
                    values[(row * d) + j] = (float)from[(at * d) + j];
                }
            }

            return new LabelledRows(values, labels, d);
        }

        public (float[] Mean, float[] Factor) Scale()
        {
            var (mean, factor) = (new float[Dimension], new float[Dimension]);
            for (var j = 0; j < Dimension; j++)
            {
                double[] column = [.. Enumerable.Range(0, Count).Select(row => (double)Values[(row * Dimension) + j])];
                var average = column.Average();
                var deviation = Math.Sqrt(column.Average(v => (v - average) * (v - average)));
                (mean[j], factor[j]) = ((float)average, deviation > 0 ? (float)(1 / deviation) : 0);
            }

            return (mean, factor);
        }

        public LabelledRows Scaled((float[] Mean, float[] Factor) scale)
        {
            var values = new float[Values.Length];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = (Values[i] - scale.Mean[i % Dimension]) * scale.Factor[i % Dimension];
            }

            return this with { Values = values };
        }
    }

    private sealed class Classifier : IDisposable
    {
        private readonly int _dimension;
        private readonly ClassifierTestOptions _options;
        private readonly LossMinimiser<float> _training;
        private readonly CompiledProgram<float> _logit;
        private readonly NdArray<float> _best;

        public Classifier(int dimension, ClassifierTestOptions options)
        {
            (_dimension, _options) = (dimension, options);
            var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
            var (x, label) = (Expr.Input("x", dimension), Expr.Input("label"));
            var network = new PerceptronOptions
            {
                Width = options.Width,
                Depth = 2,
                Activation = Activation.Tanh,
                FirstScale = 1.3,
                HiddenScale = 1.3,
                BiasScale = 0.3,
                HiddenBiasScale = 0.3,
            };
            var logit = new Perceptron(parameters, initializer, "classifier", dimension, null, network).Apply(x);
            var execution = new ExecutionOptions { Threads = options.Threads };
            _training = new LossMinimiser<float>(
                parameters, initializer, logit.Softplus() - (label * logit),
                new LossMinimiserOptions { Iterations = options.Iterations, BatchSize = Batch, LearningRate = 3e-3, AverageDecay = 0.98 },
                options.Seed, execution);
            (_training.Program["x"], _training.Program["label"]) = (new NdArray<float>(Batch, dimension), new NdArray<float>(Batch));
            _logit = new CompiledProgram<float>(new TracedProgram(parameters, ("logit", logit)), execution);
            _best = new NdArray<float>(parameters.Count);
        }

        public void Train(LabelledRows rows, LabelledRows choose, CancellationToken cancellation)
        {
            var random = new RandomStream(_options.Seed, DiagnosticStreams.ClassifierBatches);
            void Fill(CompiledProgram<float> program, long iteration)
            {
                for (var i = 0; i < Batch; i++)
                {
                    var row = random.NextInt(rows.Count);
                    rows.Values.AsSpan(row * _dimension, _dimension).CopyTo(program["x"].Row(i));
                    program["label"][i] = rows.Labels[row];
                }
            }

            var least = double.PositiveInfinity;
            var every = Math.Max(1, _options.Iterations / Choices);
            void Keep(long iteration)
            {
                _training.State.Average.Span.CopyTo(_logit.Parameters.Span);
                if (iteration % every == 0 && Judge(choose).Loss is var loss && loss < least)
                {
                    least = loss;
                    _training.State.Average.Span.CopyTo(_best.Span);
                }
            }

            _training.Run((program, iteration) =>
            {
                Keep(iteration);
                Fill(program, iteration);
            }, cancellation: cancellation);
            Keep(0);
            _best.Span.CopyTo(_logit.Parameters.Span);
        }

        public (double Loss, double Accuracy) Judge(LabelledRows rows)
        {
            _logit["x"] = NdArray<float>.From(rows.Values, rows.Count, _dimension);
            _logit["logit"] = new NdArray<float>(rows.Count);
            _logit.Run(rows.Count);
            var (loss, right) = (0.0, 0.0);
            for (var i = 0; i < rows.Count; i++)
            {
                double logit = _logit["logit"][i];
                loss += Math.Max(logit, 0) + double.LogP1(Math.Exp(-Math.Abs(logit))) - (rows.Labels[i] * logit);
                right += logit == 0 ? 0.5 : logit > 0 == (rows.Labels[i] == 1) ? 1 : 0;
            }

            return (loss / rows.Count, right / rows.Count);
        }

        public void Dispose()
        {
            _training.Dispose();
            _logit.Dispose();
        }
    }
}
