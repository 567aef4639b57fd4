using Monge.Data;
using Monge.Measures;
using Monge.Training;

namespace Monge.Runs;

/// <summary>Evolutions as files: the model that a run of a method that follows laws keeps.</summary>
public static class EvolutionModel
{
    /// <summary>The word of a file that says what the evolution is made of.</summary>
    internal const string FormName = "form";

    private const string ProblemName = "problem";

    /// <summary>Reads the evolution that a model file keeps.</summary>
    /// <param name="path">The file.</param>
    /// <param name="problem">Makes a problem by its name, such as <see cref="EvolutionLibrary.Get"/>.</param>
    /// <returns>The evolution; null for a file that holds something else.</returns>
    /// <exception cref="DataFormatException">The file is damaged, or was made of another evolution of the same name.</exception>
    /// <exception cref="ArgumentException">There is no problem of the name.</exception>
    public static IEvolution? TryLoad(string path, Func<string, EvolutionProblem> problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        var file = SafetensorsFile.Read(path);
        if (!file.Metadata.TryGetValue(FormName, out var form) || form is not (JkoEvolution.FormName or FilteredEvolution.FormName or ScoreEvolution.FormName)
            || !file.Metadata.TryGetValue(ProblemName, out var name))
        {
            return null;
        }

        var stated = problem(name);
        foreach (var (word, value) in stated.Identity())
        {
            if (file.Metadata.GetValueOrDefault(word) != value)
            {
                throw new DataFormatException(
                    path, $"was made with another evolution of the name '{name}': its drift, diffusion or initial law has changed; take those again");
            }
        }

        var state = new RunState();
        foreach (var (word, values) in file.Tensors)
        {
            state.Put(word, values);
        }

        foreach (var (word, value) in file.Metadata)
        {
            state.Put(word, value);
        }

        try
        {
            return form switch
            {
                JkoEvolution.FormName => JkoEvolution.Load(stated, state),
                FilteredEvolution.FormName => FilteredEvolution.Load(stated, state),
                _ => ScoreEvolution.Load(stated, state),
            };
        }
        catch (Exception error) when (error is CheckpointException or ArgumentException or InvalidOperationException)
        {
            throw new DataFormatException(path, $"is damaged: {error.Message.TrimEnd('.')}", error);
        }
    }
}
