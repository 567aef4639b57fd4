namespace Monge.MonteCarlo;

/// <summary>
/// The step size that brings the mean acceptance to a target, by Nesterov's dual averaging (M. Hoffman and A. Gelman, "The No-U-Turn Sampler", JMLR 15 (2014),
/// section 3.2, with their constants).
/// </summary>
internal sealed class StepSizeAdaptation(double targetAcceptance)
{
    private const double Regularisation = 0.05;
    private const double Offset = 10;
    private const double Forgetting = 0.75;

    private double _center;
    private double _errorSum;
    private double _logAverage;
    private double _count;

    /// <summary>The step size to try next.</summary>
    public double StepSize { get; private set; } = 1;

    /// <summary>The average of the later step sizes, which is kept after the adaptation.</summary>
    public double Average => _count > 0 ? Math.Exp(_logAverage) : StepSize;

    /// <summary>Begins anew from a step size.</summary>
    public void Restart(double stepSize) => (StepSize, _center, _errorSum, _logAverage, _count) = (stepSize, Math.Log(10 * stepSize), 0, 0, 0);

    /// <summary>Learns from the acceptance of a transition.</summary>
    /// <param name="acceptance">Mean acceptance, from 0 to 1.</param>
    public void Learn(double acceptance)
    {
        _count++;
        var share = 1 / (_count + Offset);
        _errorSum = ((1 - share) * _errorSum) + (share * (targetAcceptance - acceptance));
        var log = _center - (_errorSum * Math.Sqrt(_count) / Regularisation);
        var weight = Math.Pow(_count, -Forgetting);
        _logAverage = ((1 - weight) * _logAverage) + (weight * log);
        StepSize = Math.Exp(log);
    }

    /// <summary>Hands the state over to be kept, or to be filled.</summary>
    /// <param name="exchange">Reads or writes the numbers of a name.</param>
    public void Exchange(Action<string, double[]> exchange)
    {
        double[] numbers = [StepSize, _center, _errorSum, _logAverage, _count];
        exchange("stepSize", numbers);
        (StepSize, _center, _errorSum, _logAverage, _count) = (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]);
    }
}
