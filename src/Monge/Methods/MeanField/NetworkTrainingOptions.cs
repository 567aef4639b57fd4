using Monge.Data;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>The unit of a trained network.</summary>
public enum NetworkUnit
{
    /// <summary>The hyperbolic tangent.</summary>
    Tanh,

    /// <summary>max(u, 0).</summary>
    Relu,
}

/// <summary>How a network's neurons follow the gradient.</summary>
public enum NetworkOptimiser
{
    /// <summary>Adam on batches of rows, its rate along half a cosine: for predictions.</summary>
    Adam,

    /// <summary>Gradient descent on all rows in equal steps of mean-field time, for which the tangent kernel certifies a rate.</summary>
    Flow,
}

/// <summary>How a network is trained on a table. A null takes what the data call for.</summary>
public sealed record NetworkTrainingOptions : IMethodOptions
{
    /// <summary>A rate of birth and death that moves some of the neurons in a step of 1 / lambda_max: see <see cref="BirthDeath"/>.</summary>
    public const double UsualBirthDeath = 0.05;

    private const int LeastFitted = 16;
    private const int LeastRuns = 3;

    /// <summary>Neurons m of a network, 2 to 65,536.</summary>
    public int Width { get; init; } = 512;

    /// <summary>
    /// g of the network's scale m^-g: 1 for the mean field, 0.5 for the tangent kernel; 0.5 to 1. Null takes 1 or 0.85, whichever is better on held-out rows
    /// for Adam, and 1 for the flow or where no rows are held out.
    /// </summary>
    public double? Exponent { get; init; }

    /// <summary>2 for a shallow network; 3 for a frozen random first layer below it.</summary>
    public int Layers { get; init; } = 2;

    /// <summary>Neurons of the random first layer of three, 2 to 65,536.</summary>
    public int FirstWidth { get; init; } = 256;

    /// <summary>The nonlinearity.</summary>
    public NetworkUnit Unit { get; init; }

    /// <summary>Standard deviation of the neurons' weights at the start, above 0; those of the outputs start at 1.</summary>
    public double StartScale { get; init; } = 2;

    /// <summary>Networks that are trained from independent starts, 1 to 1000: their mean predicts, and how they differ makes the band.</summary>
    public int Runs { get; init; } = 5;

    /// <summary>How neurons follow the gradient.</summary>
    public NetworkOptimiser Optimiser { get; init; }

    /// <summary>
    /// Half the width, a quarter of it and so on, at which as many networks are trained alike, for the exponents of how they differ and how far their features
    /// move: 2 to 10 halvings, or 0 for none.
    /// </summary>
    public int Halvings { get; init; }

    /// <summary>Steps of each network, at least 1.</summary>
    public long Iterations { get; init; } = 10_000;

    /// <summary>Training time of all networks; the number of steps then follows from the speed measured at the start. Not together with iterations.</summary>
    public TimeSpan? Budget { get; init; }

    /// <summary>Rows of a step of Adam, 2 to 10,000,000; all of them where there are fewer.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>Peak learning rate of Adam in mean-field scale, above 0 and at most 1.</summary>
    public double LearningRate { get; init; } = 0.02;

    /// <summary>Final learning rate as a share of the peak, 0 to 1.</summary>
    public double FinalLearningRateShare { get; init; } = 0.001;

    /// <summary>Decay of the moving average of the neurons that Adam ends with, 0 to below 1.</summary>
    public double AverageDecay { get; init; } = 0.99;

    /// <summary>Mean-field time of a step of the flow; null takes 1 / lambda_max of the tangent kernel at the start, and 2 / lambda_max is refused.</summary>
    public double? Step { get; init; }

    /// <summary>
    /// alpha of <see cref="NeuronBirthDeath"/> after each step of the flow in the mean-field scale, in the units of the standardised target, at least 0; 0
    /// for none.
    /// </summary>
    public double BirthDeath { get; init; }

    /// <summary>lambda of the penalty (lambda / 2) mean (c^2 + |z|^2); null chooses it on held-out rows for Adam, and takes 0 for the flow.</summary>
    public double? Penalty { get; init; }

    /// <summary>Share of rows that are held out while scale and penalty are chosen, 0 to 0.5; the networks that are kept learn from all rows.</summary>
    public double HeldOut { get; init; } = 0.15;

    /// <summary>
    /// How often other rows are held out, 1 to 20, and errors averaged, as few rows alone choose by chance; null takes 3 below 1,000 rows, and 1 above.
    /// </summary>
    public int? Folds { get; init; }

    /// <summary>Whether networks see the normal scores of columns of numbers beside the numbers.</summary>
    public bool Scores { get; init; } = true;

    /// <summary>
    /// Most values of a column of whole numbers each of which networks see as a feature of 0 or 1 beside the number, where each is met ten times on average:
    /// such numbers often count kinds; 0 to 64, 0 for none.
    /// </summary>
    public int Levels { get; init; } = RegressionColumns.UsualLevels;

    /// <summary>Most rows on which the tangent kernel is decomposed, 2 to 4096.</summary>
    public int CertificateRows { get; init; } = 256;

    /// <summary>Seconds between two checkpoints, above 0.</summary>
    public double CheckpointSeconds { get; init; } = 15;

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.Within<int>(Width, 2, 65_536);
        OptionCheck.Within(Exponent, 0.5, 1);
        OptionCheck.Within<int>(Layers, 2, 3);
        OptionCheck.Within<int>(FirstWidth, 2, 65_536);
        OptionCheck.Above<double>(StartScale, 0);
        OptionCheck.Within<int>(Runs, 1, 1000);
        OptionCheck.AtLeast<long>(Iterations, 1);
        OptionCheck.Require(Budget is null || Budget > TimeSpan.Zero, Budget, "longer than zero");
        OptionCheck.Require(Halvings is 0 or (>= 2 and <= 10), Halvings, "0, or from 2 on, as an exponent is fitted to three widths or more, to 10");
        OptionCheck.Require(
            Halvings == 0 || Width >> Halvings >= LeastFitted, Halvings,
            FormattableString.Invariant($"less for networks of {Width} neurons: those of {Width >> Halvings} are too small for the fit of an exponent, which ")
            + FormattableString.Invariant($"takes {LeastFitted} and more"));
        OptionCheck.Require(Halvings == 0 || Runs >= LeastRuns, Runs, FormattableString.Invariant($"{LeastRuns} or more for the fit of an exponent"));
        OptionCheck.Within<int>(BatchSize, 2, 10_000_000);
        OptionCheck.AboveTo<double>(LearningRate, 0, 1);
        OptionCheck.Within<double>(FinalLearningRateShare, 0, 1);
        OptionCheck.Below<double>(AverageDecay, 0, 1);
        OptionCheck.Above(Step, 0);
        OptionCheck.AtLeast<double>(BirthDeath, 0);
        OptionCheck.Require(
            BirthDeath == 0 || (Optimiser == NetworkOptimiser.Flow && Exponent is null or 1 && Penalty is null or 0), BirthDeath,
            "0 but for the optimiser 'flow' in the scale of exponent 1 without penalty");
        OptionCheck.AtLeast(Penalty, 0);
        OptionCheck.Within<double>(HeldOut, 0, 0.5);
        OptionCheck.Within(Folds, 1, 20);
        OptionCheck.Within<int>(Levels, 0, 64);
        OptionCheck.Within<int>(CertificateRows, 2, 4096);
        OptionCheck.Above<double>(CheckpointSeconds, 0);
    }
}
